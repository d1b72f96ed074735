"""What the token exchange and the impersonation answered, in words that say what to mend: verdicts without I/O."""

import re

from carrel_lab.doctor.findings import Finding, failed, ok, skipped
from carrel_lab.doctor.place import Place
from carrel_lab.doctor.queries import refusal
from carrel_lab.doctor.reach import Answer, Silence
from carrel_lab.doctor.tokens import RESTART, Claims, Credentials
from carrel_lab.doctor.way import silent, upgrade

EXCHANGE, IMPERSONATION, METADATA = "token exchange", "impersonation", "metadata server"

_PROVIDER = re.compile(
    r"//iam\.googleapis\.com/projects/([^/]+)/locations/([^/]+)/workloadIdentityPools/([^/]+)/providers/([^/]+)"
)
_AUDIT = "gcloud logging read 'protoPayload.serviceName=\"sts.googleapis.com\"' --limit=5"
_ACCOUNT = re.compile(r"/serviceAccounts/([^/:]+):generateAccessToken")


def exchanged(answer: Answer | Silence, credentials: Credentials, claims: Claims, place: Place) -> Finding:
    """Whether the pod's token was traded for one of the warehouse's."""
    if isinstance(answer, Silence):
        return silent(EXCHANGE, answer, place)
    if answer.status == 200 and answer.body.get("access_token"):
        return ok(EXCHANGE, f"{credentials.token_url} takes the token.")
    said = _said(answer)
    message, command = _trouble(said, answer, credentials, claims, place)
    return failed(EXCHANGE, f"{message} It said: {said.rstrip('.')}.", command)


def _trouble(
    said: str, answer: Answer, credentials: Credentials, claims: Claims, place: Place
) -> tuple[str, str]:
    """The sentence and the command for a refusal; the first word that is in what was said decides."""
    keys = "kubectl get --raw /openid/v1/jwks > jwks.json && "
    unknown_key = (
        "The provider does not know the key with which this cluster signs.",
        _update(credentials, place, "--jwk-json-path=jwks.json", before=keys),
    )
    no_provider = (
        "The pool or the provider in the audience is not there, or disabled.",
        _list(credentials, place),
    )
    table = {
        'invalid value for "audience"': no_provider,
        "has not been used": ("The exchange is not enabled.", "gcloud services enable sts.googleapis.com"),
        "expired": ("The exchange takes no expired token.", RESTART),
        "audience": (
            "The provider takes no tokens made for this audience.",
            _update(credentials, place, f"--allowed-audiences=https:{credentials.audience}"),
        ),
        "issuer ": (
            "The provider trusts another issuer than this cluster.",
            _update(credentials, place, f"--issuer-uri={claims.issuer}"),
        ),
        "signature": unknown_key,
        " key": unknown_key,
        "belongs to no person": ("The ServiceAccount has lost the mark of its owner.", RESTART),
    }
    if answer.body.get("error") == "invalid_target":
        return no_provider
    look = _AUDIT if credentials.at_google else _logs(place)
    refused = (f"The exchange refused the token ({answer.status}).", look)
    return next((found for word, found in table.items() if word in said.lower()), refused)


def impersonated(answer: Answer | Silence, credentials: Credentials, claims: Claims, place: Place) -> Finding:
    """Whether the person may act as the configured Google service account."""
    found = _ACCOUNT.search(credentials.impersonation_url)
    account = found[1] if found else "the configured service account"
    if isinstance(answer, Silence):
        return silent(IMPERSONATION, answer, place)
    if answer.status == 200:
        return ok(IMPERSONATION, f"The notebook acts as {account}.")
    if refusal(answer).disabled:
        command = f"gcloud services enable iamcredentials.googleapis.com --project {place.project}"
        return failed(IMPERSONATION, "The API that lends service accounts is not enabled.", command)
    if answer.status == 404:
        name, _, domain = account.partition("@")
        command = f"gcloud iam service-accounts create {name} --project {domain.partition('.')[0]}"
        return failed(IMPERSONATION, f"There is no service account {account}.", command)
    member = claims.principal(credentials)
    command = (
        f"gcloud iam service-accounts add-iam-policy-binding {account} "
        f"--role=roles/iam.workloadIdentityUser --member={member}"
    )
    return failed(IMPERSONATION, f"The notebook may not act as {account} ({_said(answer)}).", command)


def from_metadata(answer: Answer | Silence, place: Place) -> Finding:
    """Whether the metadata server says who the pod is, and not who the node is."""
    mend = (
        "gcloud container node-pools update POOL --cluster=CLUSTER --region=REGION "
        "--workload-metadata=GKE_METADATA"
    )
    if isinstance(answer, Silence):
        found = silent(METADATA, answer, place)
        rule = "networkPolicy.notebookEgress.extra must allow port 988 of the nodes with Dataplane V2."
        return failed(METADATA, f"{found.message} {rule}", found.command)
    if answer.status != 200:
        message = f"The metadata server answers {answer.status}, so this node pool is not at GKE_METADATA."
        return failed(METADATA, message, mend)
    if answer.text.endswith("@developer.gserviceaccount.com"):
        message = f"The metadata server takes this pod for the node ({answer.text}): the pool is not at GKE_METADATA."
        return failed(METADATA, message, mend)
    return ok(METADATA, f"The metadata server knows this pod as {answer.text}.")


def lent(answer: Answer, account: str, pool: str, place: Place) -> Finding:
    """Whether the metadata server gives a token: it acts as the annotation's Google service account for the pod, if
    there is one, and as the pod's own principal otherwise.
    """
    annotated = account.endswith(".gserviceaccount.com")
    if answer.status == 200:
        return (
            ok(IMPERSONATION, f"The notebook acts as {account}.")
            if annotated
            else skipped(IMPERSONATION, "No service account is configured: the notebook acts as itself.")
        )
    said = " ".join(_said(answer).split())
    if annotated and answer.status in (403, 404) and "has not been used" not in said:
        member = f"serviceAccount:{pool}[{place.namespace}/{place.service_account}]"
        command = (
            f"gcloud iam service-accounts add-iam-policy-binding {account} "
            f'--role=roles/iam.workloadIdentityUser --member="{member}"'
        )
        return failed(IMPERSONATION, f"The notebook may not act as {account}: {said}", command)
    command = "gcloud services enable sts.googleapis.com iamcredentials.googleapis.com"
    return failed(EXCHANGE, f"The metadata server gives no token ({answer.status}): {said}", command)


def _said(answer: Answer) -> str:
    if description := answer.body.get("error_description"):
        return str(description)
    return refusal(answer).message


def _update(credentials: Credentials, place: Place, option: str, before: str = "") -> str:
    found = _PROVIDER.fullmatch(credentials.audience)
    if not found:
        return upgrade(place)
    project, location, pool, provider = found.groups()
    return (
        f"{before}gcloud iam workload-identity-pools providers update-oidc {provider} "
        f"--workload-identity-pool={pool} --location={location} --project={project} {option}"
    )


def _list(credentials: Credentials, place: Place) -> str:
    found = _PROVIDER.fullmatch(credentials.audience)
    if not found:
        return upgrade(place)
    project, location, pool, _ = found.groups()
    return (
        f"gcloud iam workload-identity-pools providers list --workload-identity-pool={pool} "
        f"--location={location} --project={project}   # then set warehouse.google.audience"
    )


def _logs(place: Place) -> str:
    return f"kubectl --namespace {place.namespace} logs deployment/warehouse --container stand-in"
