"""Each link of the chain is broken once, and it alone is named, with the command that mends it."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from carrel_lab.doctor.examination import Known
from carrel_lab.doctor.findings import State
from carrel_lab.doctor.place import GOOGLE, PATIENCE_SECONDS, Place
from carrel_lab.doctor.reach import Answer, Call, Kind, Silence, ask
from unit.notebook.doctor_world import LENDING, NOW, PROVIDER, SALES, Break, World, error, refused

STAND_IN = "http://warehouse.carrel.svc:9050"
UPDATE = "update-oidc cluster --workload-identity-pool=carrel --location=global --project=12"
PRINCIPAL = (
    "principal://iam.googleapis.com/projects/12/locations/global/workloadIdentityPools/carrel/"
    "subject/system:serviceaccount:carrel:user-ada"
)


def answering(part: str, answer: Answer | Silence) -> Break:
    def broken(world: World) -> None:
        world.answers[part] = answer

    return broken


def setting(**fields: object) -> Break:
    def broken(world: World) -> None:
        for name, value in fields.items():
            setattr(world, name, value)

    return broken


def silence(kind: Kind, host: str = "sts.googleapis.com", port: int = 443) -> Silence:
    return Silence(kind, host, port, "it broke")


def both(*breaks: Break) -> Break:
    def broken(world: World) -> None:
        for each in breaks:
            each(world)

    return broken


METADATA = setting(
    place={"credentials": None, "service_account": "user-ada"}, known=Known("principal://ada", (SALES,))
)
UNBOUND = (
    "Unable to generate access token; IAM returned 403 Forbidden: "
    "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).\n"
)
IN_CLUSTER = setting(
    place={"warehouse": STAND_IN},
    credentials={
        "token_url": f"{STAND_IN}/sts/v1/token",
        "audience": "//warehouse.carrel.local/clusters/this",
    },
    claims={"aud": "https://warehouse.carrel.local/clusters/this"},
)
OFF = (
    'Invalid value for "audience". This value should be the full resource name of the Identity Provider. '
    "See https://cloud.google.com for the list of possible formats."
)
DISABLED = "BigQuery API has not been used in project 12 before or it is disabled."

# what is broken, the link that is named, words of the sentence, words of the command
BROKEN: dict[str, tuple[Break, str, str, str]] = {
    "no token file": (setting(token=None), "token", "can't be read", "carrel restart"),
    "no token in it": (setting(token="hello"), "token", "is not a token", "carrel restart"),
    "a list for a token": (setting(token="e30.W10.x"), "token", "is not a token", "carrel restart"),
    "a token for somebody else": (
        setting(claims={"aud": ["https://kubernetes.default.svc"]}),
        "audience",
        "made for https://kubernetes.default.svc",
        "carrel restart",
    ),
    "an expired token": (
        both(
            setting(claims={"exp": (NOW - timedelta(minutes=1)).timestamp()}),
            answering("sts.googleapis.com", refused("The ID Token is expired.")),
        ),
        "expiry",
        "expired at 2026-11-28 11:59:00 UTC",
        "carrel restart",
    ),
    "a clock an hour ahead": (
        setting(now=NOW + timedelta(hours=1)),
        "clock",
        "60 minutes ahead of",
        "chronyc",
    ),
    "a clock an hour behind": (
        setting(now=NOW - timedelta(hours=1)),
        "clock",
        "60 minutes behind",
        "chronyc",
    ),
    "a key file": (
        setting(credentials={"type": "service_account"}),
        "credentials file",
        "of type 'service_account'",
        "helm upgrade",
    ),
    "an audience with https:": (
        setting(credentials={"audience": "https:" + PROVIDER}),
        "credentials file",
        "must begin with //",
        "helm upgrade",
    ),
    "no source in the file": (
        setting(credentials={"credential_source": {"url": "http://x"}}),
        "credentials file",
        "does not say where",
        "helm upgrade",
    ),
    "no such provider": (
        answering("sts.googleapis.com", refused(OFF, "invalid_target")),
        "token exchange",
        "pool or the provider",
        "providers list --workload-identity-pool=carrel",
    ),
    "a provider of other audiences": (
        answering(
            "sts.googleapis.com",
            refused("The audience in ID Token [x] does not match the expected audience."),
        ),
        "token exchange",
        "no tokens made for this audience",
        f"{UPDATE} --allowed-audiences=https:{PROVIDER}",
    ),
    "a provider of another issuer": (
        answering(
            "sts.googleapis.com", refused("The issuer in ID Token x does not match the expected ones: y.")
        ),
        "token exchange",
        "another issuer",
        f"{UPDATE} --issuer-uri=https://cluster.example",
    ),
    "keys that were changed": (
        answering("sts.googleapis.com", refused("The ID Token's signature does not match its issuer's key.")),
        "token exchange",
        "does not know the key",
        f"kubectl get --raw /openid/v1/jwks > jwks.json && gcloud iam workload-identity-pools providers {UPDATE}",
    ),
    "an account that nobody owns": (
        answering("sts.googleapis.com", refused("The ServiceAccount x in y belongs to no person.")),
        "token exchange",
        "mark of its owner",
        "carrel restart",
    ),
    "an exchange behind a NetworkPolicy": (
        answering("sts.googleapis.com", silence(Kind.TIMEOUT)),
        "token exchange",
        "networkPolicy.notebookEgress",
        "--set-json 'networkPolicy.notebookEgress.extra=",
    ),
    "an exchange without a name": (
        answering("sts.googleapis.com", silence(Kind.NO_NAME)),
        "token exchange",
        "can't be looked up",
        "networkPolicy.dnsCidrs",
    ),
    "an exchange that hangs up": (
        answering("sts.googleapis.com", silence(Kind.BROKEN)),
        "token exchange",
        "broke (it broke)",
        "kubectl",
    ),
    "a service account that is not lent": (
        both(
            setting(credentials={"service_account_impersonation_url": LENDING}),
            answering("generateAccessToken", error(403, "Permission denied.")),
        ),
        "impersonation",
        "may not act as notebooks@pays",
        f"--role=roles/iam.workloadIdentityUser --member={PRINCIPAL}",
    ),
    "a service account that is not there": (
        both(
            setting(credentials={"service_account_impersonation_url": LENDING}),
            answering("generateAccessToken", error(404, "Not found.")),
        ),
        "impersonation",
        "no service account",
        "service-accounts create notebooks --project pays",
    ),
    "a lending API that is off": (
        both(
            setting(credentials={"service_account_impersonation_url": LENDING}),
            answering("generateAccessToken", error(403, "off", detail="SERVICE_DISABLED")),
        ),
        "impersonation",
        "not enabled",
        "services enable iamcredentials.googleapis.com --project pays",
    ),
    "a metadata server out of reach": (
        both(METADATA, answering("/default/email", silence(Kind.TIMEOUT, "metadata.google.internal", 80))),
        "metadata server",
        "port 988",
        "networkPolicy.notebookEgress.extra",
    ),
    "a pod that is the node": (
        both(
            METADATA, answering("/default/email", Answer(200, text="1-compute@developer.gserviceaccount.com"))
        ),
        "metadata server",
        "takes this pod for the node",
        "--workload-metadata=GKE_METADATA",
    ),
    "a node pool without identities": (
        both(METADATA, answering("/default/email", Answer(404))),
        "metadata server",
        "not at GKE_METADATA",
        "--workload-metadata=GKE_METADATA",
    ),
    "a service account that the metadata server may not lend": (
        both(
            METADATA,
            answering("/default/email", Answer(200, text="notebooks@pays.iam.gserviceaccount.com")),
            answering("/default/token", Answer(403, text=UNBOUND)),
        ),
        "impersonation",
        "may not act as notebooks@pays.iam.gserviceaccount.com: Unable to generate access token; IAM returned 403",
        '--role=roles/iam.workloadIdentityUser --member="serviceAccount:fleet.svc.id.goog[carrel/user-ada]"',
    ),
    "a metadata server that gives no token": (
        both(METADATA, answering("/default/token", Answer(500, text="internal error"))),
        "token exchange",
        "gives no token (500): internal error",
        "gcloud services enable sts.googleapis.com",
    ),
    "a lending API that is off, told by the metadata server": (
        both(
            METADATA,
            answering("/default/email", Answer(200, text="notebooks@pays.iam.gserviceaccount.com")),
            answering(
                "/default/token", Answer(403, text="IAM returned 403: The API has not been used in pays")
            ),
        ),
        "token exchange",
        "has not been used in pays",
        "gcloud services enable sts.googleapis.com iamcredentials.googleapis.com",
    ),
    "no right to run jobs for whom the metadata server knows": (
        both(METADATA, answering("/jobs", error(403, "No bigquery.jobs.create.", "accessDenied"))),
        "right to query",
        "bigquery.jobs.create",
        "--member=principal://ada --role=roles/bigquery.jobUser",
    ),
    "nobody who pays": (setting(place={"project": ""}), "project", "is not set", "warehouse.project=PROJECT"),
    "an API that is off": (
        answering("/jobs", error(403, DISABLED, "accessNotConfigured")),
        "BigQuery API",
        "not enabled in pays",
        "gcloud services enable bigquery.googleapis.com --project pays",
    ),
    "an API that is off, told in details": (
        answering("/jobs", error(403, DISABLED, "forbidden", "SERVICE_DISABLED")),
        "BigQuery API",
        "not enabled in pays",
        "gcloud services enable bigquery.googleapis.com --project pays",
    ),
    "no right to run jobs": (
        answering("/jobs", error(403, "User does not have bigquery.jobs.create permission.", "accessDenied")),
        "right to query",
        "bigquery.jobs.create",
        f"projects add-iam-policy-binding pays --member={PRINCIPAL} --role=roles/bigquery.jobUser",
    ),
    "a quota project that does not let": (
        both(
            setting(place={"quota_project": "counts"}),
            answering("/jobs", error(403, "Caller lacks permission.", "forbidden", "USER_PROJECT_DENIED")),
        ),
        "quota project",
        "serviceusage.services.use",
        "add-iam-policy-binding counts",
    ),
    "a project that is not there": (
        answering("/jobs", error(404, "Not found: Project pays", "notFound")),
        "right to query",
        "There is no project pays",
        "warehouse.project=PROJECT",
    ),
    "a warehouse that is ill": (
        answering("/jobs", error(503, "Come back later.", "backendError")),
        "warehouse",
        "answers 503: Come back later.",
        "status.cloud.google.com",
    ),
    "an access token that is not taken": (
        answering("/jobs", error(401, "Who?", "authError")),
        "BigQuery API",
        "does not take the access token",
        "status.cloud.google.com",
    ),
    "a stand-in that does not run": (
        both(IN_CLUSTER, answering("/sts/v1/token", silence(Kind.REFUSED, "warehouse.carrel.svc", 9050))),
        "token exchange",
        "'warehouse' does not run",
        "kubectl --namespace carrel scale deployment warehouse --replicas=1",
    ),
    "a stand-in behind a NetworkPolicy": (
        both(IN_CLUSTER, answering("/sts/v1/token", silence(Kind.TIMEOUT, "warehouse.carrel.svc", 9050))),
        "token exchange",
        "networkPolicy.notebookEgress",
        "helm upgrade carrel",
    ),
    "a gateway that does not run": (
        both(
            IN_CLUSTER,
            answering("/sts/v1/token", Answer(200, {"access_token": "t"}, NOW)),
            answering("/budget", silence(Kind.REFUSED, "gateway.carrel.svc", 9060)),
        ),
        "budget",
        "'gateway' does not run",
        "scale deployment gateway --replicas=1",
    ),
    "a budget that is spent": (
        both(
            IN_CLUSTER,
            answering("/sts/v1/token", Answer(200, {"access_token": "t"}, NOW)),
            answering("/budget", Answer(200, {"payer": "project risk", "left_today": 0})),
        ),
        "budget",
        "of project risk is spent",
        "patch project risk",
    ),
    "a dataset without a grant": (
        answering("/datasets/", error(403, "Access Denied", "accessDenied")),
        "dataset pays.sales",
        f"{PRINCIPAL} lacks roles/bigquery.dataViewer, which project 'risk'",
        f'GRANT `roles/bigquery.dataViewer` ON SCHEMA `pays.sales` TO "{PRINCIPAL}"',
    ),
    "a dataset that is not there": (
        answering("/datasets/", error(404, "Not found", "notFound")),
        "dataset pays.sales",
        "not there",
        "bq mk --dataset pays:sales",
    ),
}


@pytest.mark.parametrize(("broken", "name", "words", "command"), BROKEN.values(), ids=BROKEN.keys())
def test_the_broken_link_is_named_alone_with_what_mends_it(
    broken: Break, name: str, words: str, command: str, tmp_path: Path
) -> None:
    world = World(tmp_path)
    broken(world)
    found = world.whole()
    failed = [each for each in found.values() if each.state is State.FAILED]
    assert [each.name for each in failed] == [name], [each.line() for each in found.values()]
    assert words in failed[0].message
    assert command in failed[0].command


def test_when_all_is_well_nothing_fails_and_nothing_is_left_out(tmp_path: Path) -> None:
    world = World(tmp_path)
    found = world.whole()
    assert {name: str(each.state) for name, each in found.items()} == {
        "project": "ok",
        "credentials file": "ok",
        "token": "ok",
        "audience": "ok",
        "clock": "ok",
        "expiry": "ok",
        "token exchange": "ok",
        "warehouse": "ok",
        "BigQuery API": "ok",
        "quota project": "skipped",
        "right to query": "ok",
        "budget": "skipped",
        "dataset pays.sales": "ok",
    }
    assert all(not each.command for each in found.values())


def test_a_notebook_that_acts_as_a_service_account_asks_with_what_it_was_lent(tmp_path: Path) -> None:
    world = World(tmp_path, credentials={"service_account_impersonation_url": LENDING})
    assert not any(each.failed for each in world.whole().values())
    by_address = {call.url.rpartition("/")[2]: call for call in world.asked}
    assert by_address["token"].form is not None
    assert by_address["token"].form["scope"].endswith("/auth/iam")
    assert by_address["jobs"].bearer == "lent"


def test_a_call_is_counted_on_the_quota_project(tmp_path: Path) -> None:
    world = World(tmp_path, place={"quota_project": "counts"})
    world.whole()
    [job] = [call for call in world.asked if call.url.endswith("/jobs")]
    assert job.headers == {"X-Goog-User-Project": "counts"}


def test_who_is_granted_is_named_as_the_hub_knows_them(tmp_path: Path) -> None:
    world = World(tmp_path, known=Known("principal://of-the-hub", (replace(SALES, role="editor"),)))
    world.answers["/datasets/"] = error(403, "Access Denied", "accessDenied")
    found = world.whole()["dataset pays.sales"]
    assert found.message.startswith("principal://of-the-hub lacks roles/bigquery.dataEditor")


def test_where_no_warehouse_is_configured_there_is_nowhere_to_look() -> None:
    assert Place.from_environment({"HOME": "/home/ada"}) is None


def test_a_place_is_read_from_the_environment() -> None:
    environment = {
        "GOOGLE_APPLICATION_CREDENTIALS": "/c.json",
        "GOOGLE_CLOUD_PROJECT": "pays",
        "BIGQUERY_EMULATOR_HOST": "http://gateway.desks.svc:9060/",
        "CARREL_IDENTITY_PATIENCE": "soon",
    }
    found = Place.from_environment(environment)
    assert found == Place("http://gateway.desks.svc:9060", "pays", Path("/c.json"), namespace="desks")
    assert found.inside
    assert found.patience == PATIENCE_SECONDS
    metadata = Place.from_environment(
        {
            "GOOGLE_CLOUD_PROJECT": "pays",
            "CARREL_IDENTITY_PATIENCE": "5",
            "CARREL_SERVICE_ACCOUNT": "user-ada",
        }
    )
    assert metadata == Place(GOOGLE, "pays", patience=5.0, service_account="user-ada")


def test_silences_are_told_apart() -> None:
    nobody = ask(Call("http://127.0.0.1:9/"))
    assert isinstance(nobody, Silence)
    assert (nobody.kind, nobody.host, nobody.port) == (Kind.REFUSED, "127.0.0.1", 9)
    unnamed = ask(Call("https://no-such-host.invalid/"))
    assert isinstance(unnamed, Silence)
    assert (unnamed.kind, unnamed.port) == (Kind.NO_NAME, 443)
