"""Whether what was installed fits together, and what one server has of it: verdicts about what was read."""

import json
import re
from collections.abc import Iterable
from typing import Any

import msgspec

from carrel_hub.findings import FAILED, OK, SKIPPED, UNKNOWN, Finding, judged
from carrel_operator import api, names, principal, settings
from carrel_operator.api import Body, ConditionType, Notebook, Phase, Project
from carrel_operator.settings import IdentityMode, Settings

_PROVIDER = re.compile(
    r"https://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/[a-z0-9-]+/providers/[a-z0-9-]+"
)


def upgrade(namespace: str, *values: str) -> str:
    """The command that installs the chart again, with other values if some are named."""
    return " ".join([f"helm upgrade carrel helm/carrel --namespace {namespace} --reuse-values", *values])


def read_settings(config_map: Body | None, namespace: str) -> tuple[Settings | None, Finding]:
    """The operator's settings, and whether mode and audience can work."""
    mend = upgrade(namespace)
    if config_map is None:
        return None, Finding("settings", FAILED, "The operator's ConfigMap 'operator' is not there.", mend)
    try:
        found = settings.parse(msgspec.yaml.decode(config_map["data"]["settings.yaml"].encode()))
    except (KeyError, ValueError, msgspec.MsgspecError) as error:
        return None, Finding("settings", FAILED, f"The operator's settings can't be used: {error}.", mend)
    identity = found.identity
    if identity.mode is not IdentityMode.FEDERATED:
        return found, Finding("settings", OK, f"The warehouse is reached by mode '{identity.mode}'.")
    google = "iam.googleapis.com" in identity.audience
    wrong = identity.audience.startswith("https://") and (
        not google or _PROVIDER.fullmatch(identity.audience)
    )
    message = "" if wrong else f"The audience '{identity.audience}' names no workload identity provider."
    command = upgrade(
        namespace,
        "--set warehouse.google.audience=//iam.googleapis.com/projects/NUMBER/locations/global/"
        "workloadIdentityPools/POOL/providers/PROVIDER",
    )
    return found, judged("settings", message, f"Tokens are made for {identity.audience}.", command)


def issuer(discovered: str, in_token: str) -> Finding:
    """Whether the cluster's tokens name the issuer that the cluster says it is."""
    if not discovered or not in_token:
        return Finding("issuer", UNKNOWN, "The cluster does not say who signs its tokens.")
    wrong = (
        "" if discovered == in_token else f"Tokens name '{in_token}', and the cluster says '{discovered}'."
    )
    command = (
        f"kube-apiserver --service-account-issuer={discovered}   # of the control plane; then restart it"
    )
    return judged("issuer", wrong, f"{discovered} signs the tokens of this cluster.", command)


def credentials(config_map: Body | None, found: Settings) -> Finding:
    """Whether the file that notebooks are given fits the audience of their tokens."""
    name, namespace = "credentials", found.namespace
    wanted = found.identity.credentials_config_map
    if found.identity.mode is not IdentityMode.FEDERATED:
        return Finding(name, SKIPPED, f"Mode '{found.identity.mode}' needs no credentials file.")
    if config_map is None:
        return Finding(name, FAILED, f"The ConfigMap '{wanted}' is not there.", upgrade(namespace))
    try:
        document = json.loads(config_map["data"]["credentials.json"])
        audience, kind = document["audience"], document["type"]
    except (KeyError, ValueError, TypeError) as error:
        return Finding(
            name, FAILED, f"The ConfigMap '{wanted}' can't be read ({error!r}).", upgrade(namespace)
        )
    wrong = ""
    if kind != "external_account":
        wrong = f"The credentials in '{wanted}' are of type '{kind}' and not 'external_account'."
    elif f"https:{audience}" != found.identity.audience:
        wrong = f"'{wanted}' names {audience}, and tokens are made for {found.identity.audience}."
    return judged(name, wrong, f"'{wanted}' fits the tokens.", upgrade(namespace))


def deployment(name: str, body: Body | None, namespace: str) -> Finding | None:
    """Whether a part of the warehouse inside the cluster runs; None where it is not installed."""
    if body is None:
        return None
    wanted, ready = body["spec"].get("replicas", 1), body.get("status", {}).get("readyReplicas", 0)
    if wanted and not ready:
        message = f"The deployment '{name}' has no pod that is ready."
        return Finding(
            name, FAILED, message, f"kubectl --namespace {namespace} rollout restart deployment {name}"
        )
    wrong = "" if wanted else f"The deployment '{name}' is scaled to 0."
    command = f"kubectl --namespace {namespace} scale deployment {name} --replicas=1"
    return judged(name, wrong, f"{ready} of {wanted} pods are ready.", command)


def identities(notebooks: Iterable[Notebook]) -> list[Finding]:
    """The condition IdentityReady of each server that runs."""
    found = []
    for each in sorted(notebooks, key=lambda notebook: notebook.name):
        condition = each.status.condition(ConditionType.IDENTITY_READY)
        if each.status.phase is Phase.RUNNING and condition:
            name, wrong = f"notebook {each.name}", "" if condition.status else condition.message
            server = f"{each.owner}/{each.server}" if each.server else each.owner
            found.append(judged(name, wrong, condition.message, f"carrel doctor {server}"))
    return found


def grants(projects: Iterable[Project], namespace: str) -> list[Finding]:
    """The condition DatasetsGranted of each project that gives datasets."""
    found = []
    for each in sorted(projects, key=lambda project: project.name):
        condition = each.status.condition(ConditionType.DATASETS_GRANTED)
        name = f"datasets of {each.name}"
        command = f"kubectl --namespace {namespace} describe project {each.name}"
        if condition:
            wrong = "" if condition.status else condition.message
            found.append(judged(name, wrong, condition.message, command))
        elif each.warehouse.datasets:
            found.append(
                Finding(name, UNKNOWN, "The operator has not said whether they are granted.", command)
            )
    return found


def account_of(notebook: Notebook, project: Project | None) -> str:
    """The ServiceAccount as which a server runs."""
    if project and project.status.gid is not None:
        return principal.of_project(project.name, project.status.gid).service_account
    return names.service_account(notebook.owner)


def account(name: str, body: Body | None, notebook: Notebook, found: Settings | None) -> Finding:
    """Whether the ServiceAccount says whose it is, and as which Google service account it acts."""
    namespace = notebook.metadata.namespace
    if body is None:
        message = f"The ServiceAccount '{name}' is not there; the operator makes it at the next start."
        return Finding("service account", FAILED, message, "carrel restart")
    given = body["metadata"].get("annotations", {})
    wanted = {
        **(found.identity.service_account_annotations if found else {}),
        api.OWNER_ANNOTATION: notebook.owner,
    }
    missing = {key: value for key, value in wanted.items() if given.get(key) != value}
    wrong, command = "", ""
    if missing:
        key, value = next(iter(missing.items()))
        wrong = f"The ServiceAccount '{name}' has '{key}: {given.get(key, '')}' and not '{value}'."
        command = (
            f"kubectl --namespace {namespace} annotate --overwrite serviceaccount {name} '{key}={value}'"
        )
    return judged("service account", wrong, f"The server runs as '{name}'.", command)


def policy(body: Body | None, notebook: Notebook, found: Settings | None) -> Finding:
    """Whether the server's NetworkPolicy is the one that the settings want."""
    name = names.network_policy(notebook.name)
    again = (
        f"kubectl --namespace {notebook.metadata.namespace} delete networkpolicy {name}   # it is made anew"
    )
    if body is None:
        message = f"The NetworkPolicy '{name}' is not there."
        command = f"kubectl --namespace {notebook.metadata.namespace} rollout restart deployment operator"
        return Finding("network policy", FAILED, message, command)
    differs = found is not None and body["spec"].get("egress", []) != list(found.network.egress)
    wrong = (
        f"The NetworkPolicy '{name}' opens other ways than networkPolicy.notebookEgress says."
        if differs
        else ""
    )
    return judged("network policy", wrong, f"'{name}' opens the ways that the settings name.", again)


def state(notebook: Notebook | None) -> Finding:
    """Whether the server is there at all, and what the operator says of it."""
    if notebook is None:
        return Finding("notebook", SKIPPED, "This server was never started.")
    condition = notebook.status.condition(ConditionType.IDENTITY_READY)
    if condition and not condition.status and notebook.running:
        return Finding("identity", FAILED, condition.message, "carrel restart")
    return Finding("identity", OK, condition.message if condition else "Nothing was said against it.")


def warehouse(notebook: Notebook, projects: Iterable[Project], release: str) -> dict[str, Any]:
    """As whom the warehouse knows a server, and what its projects give of it."""
    mine = {notebook.project} if notebook.project else {each.name for each in notebook.status.projects}
    datasets = [
        {
            "project": project.name,
            "name": dataset.name,
            "billing_project": dataset.project or project.warehouse.billing_project or release,
            "role": str(dataset.role),
        }
        for project in sorted(projects, key=lambda each: each.name)
        if project.name in mine
        for dataset in project.warehouse.datasets
    ]
    return {"principal": notebook.status.principal, "datasets": datasets}
