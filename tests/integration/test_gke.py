"""Carrel as on GKE: no token file and no credentials, but a metadata server that knows each pod; the doctor in its place."""

from collections.abc import Iterator

import pytest

from carrel_operator import names
from support.cluster import Kubectl, Person, eventually
from support.gke import release
from support.gke.release import AUDIENCE, LENT, PROJECT, SUBJECT, Gke
from support.kernels import Kernel

pytestmark = pytest.mark.cluster

QUERY = """
from google.cloud import bigquery
client = bigquery.Client()
job = client.query("SELECT 6 * 7 AS answer")
[row] = job.result()
print(row.answer, job.user_email)
"""
READ = """
from google.cloud import bigquery
[row] = bigquery.Client().query_and_wait("SELECT n FROM shop.numbers")
print(row.n)
"""
FILES = """
import os
print(sorted(each for each in os.environ if "CREDENTIALS" in each), os.path.exists("/var/run/carrel/token"))
"""


@pytest.fixture(scope="module")
def gke(kube: Kubectl) -> Iterator[Gke]:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    with release.release(kube) as found:
        yield found


def doctor(somebody: Person) -> str:
    code = (
        "import subprocess; print(subprocess.run(['carrel-doctor'], capture_output=True, text=True).stdout)"
    )
    return somebody.python(code)


def test_a_start_waits_until_the_metadata_server_knows_the_pod(gke: Gke) -> None:
    gke.metadata_server("late")
    try:
        grace = gke.person("grace")
        grace.start()
        outcome = Kernel.start(grace, "first.ipynb").run(QUERY)
        assert outcome.said == "42 grace@example.org\n", outcome
        grace.settle()
        assert grace.identity()["status"] == "True"
    finally:
        gke.metadata_server()


def test_a_person_asks_as_themselves_without_a_file(gke: Gke) -> None:
    ada = gke.person("ada")
    ada.start()
    assert ada.python(QUERY) == "42 ada@example.org\n"
    assert ada.python(FILES) == "[] False\n"
    ada.settle()
    assert ada.identity()["status"] == "True"
    notebook = ada.notebook()
    assert notebook
    assert notebook["status"]["principal"] == f"{SUBJECT}:{gke.namespace}:{names.service_account('ada')}"
    found = doctor(ada)
    print(found)
    assert "✗" not in found
    assert f"✓ metadata server: The metadata server knows this pod as {PROJECT}.svc.id.goog." in found
    assert "✓ right to query" in found


def test_the_operator_grants_as_itself(gke: Gke) -> None:
    bob = gke.person("bob")
    bob.start()
    make = (
        "from google.cloud import bigquery; client = bigquery.Client(); client.create_dataset('shop')\n"
        "client.query_and_wait('CREATE TABLE shop.numbers AS SELECT 7 AS n')"
    )
    bob.python(make)
    carol = gke.person("carol")
    spec = {
        "members": [{"user": "carol", "role": "viewer"}],
        "volume": {"size": "1Gi"},
        "warehouse": {"datasets": [{"id": "shop", "role": "viewer"}]},
    }
    body = {"apiVersion": "carrel.dev/v1", "kind": "Project", "metadata": {"name": "sales"}, "spec": spec}
    gke.kube.apply(body)
    for condition in ("Ready", "DatasetsGranted"):
        gke.kube("wait", "project/sales", f"--for=condition={condition}", "--timeout=60s")
    carol.start()
    assert carol.python(READ) == "7\n"
    assert f"✓ dataset {PROJECT}.shop" in doctor(carol)
    gke.kube("delete", "project", "sales", "--timeout=60s")


def annotated(gke: Gke, *bound: str) -> None:
    """The older way: notebooks are annotated, and these ServiceAccounts may act as the Google service account."""
    gke.stand_in(*bound)
    gke.configure(
        access="metadata",
        principal=f"serviceAccount:{LENT}",
        serviceAccountAnnotations={"iam.gke.io/gcp-service-account": LENT},
    )


def test_by_the_older_annotation_a_notebook_acts_as_the_google_service_account(gke: Gke) -> None:
    annotated(gke, names.service_account("dan"))
    dan = gke.person("dan")
    dan.start()
    assert dan.python(QUERY) == f"42 {LENT}\n"
    found = doctor(dan)
    assert "✗" not in found
    assert f"✓ impersonation: The notebook acts as {LENT}." in found


def test_without_the_other_half_of_the_annotation_the_start_says_what_is_missing(gke: Gke) -> None:
    annotated(gke)
    eve = gke.person("eve")
    eve.start()  # it waits, but not for ever
    refused = eventually("it is told", lambda: eve.identity().get("status") == "False" and eve.identity(), 60)
    assert f"The notebook may not act as {LENT}" in refused["message"]
    member = f"serviceAccount:{PROJECT}.svc.id.goog[{gke.namespace}/{names.service_account('eve')}]"
    found = doctor(eve)
    print(found)
    assert found.count("✗") == found.count("✗ impersonation: ") == 1
    assert f"gcloud iam service-accounts add-iam-policy-binding {LENT} " in found
    assert f'--member="{member}"' in found


def test_by_a_provider_a_notebook_acts_as_the_google_service_account_too(gke: Gke) -> None:
    gke.stand_in(names.service_account("gina"))
    gke.configure(
        access="federated",
        audience=AUDIENCE,
        serviceAccount=LENT,
        principal=f"{SUBJECT}:{{namespace}}:{{serviceAccount}}",
    )
    gina = gke.person("gina")
    gina.start()
    assert gina.python(QUERY) == f"42 {LENT}\n"
    found = doctor(gina)
    print(found)
    assert "✗" not in found
    assert f"✓ impersonation: The notebook acts as {LENT}." in found


def test_a_node_pool_that_is_not_at_gke_metadata_is_named(gke: Gke) -> None:
    gke.configure(access="metadata", principal=f"{SUBJECT}:{{namespace}}:{{serviceAccount}}")
    gke.metadata_server("node")
    try:
        frank = gke.person("frank")
        frank.start()
        found = doctor(frank)
        print(found)
        assert found.count("✗") == 1
        assert "✗ metadata server: The metadata server takes this pod for the node" in found
        assert "--workload-metadata=GKE_METADATA" in found
        assert frank.identity()["status"] == "False"
    finally:
        gke.metadata_server()
