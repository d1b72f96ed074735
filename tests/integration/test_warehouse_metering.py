"""The stand-in counts like BigQuery: Google's own client, in a notebook, against the real emulator."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from support.cluster import Kubectl, Person, eventually

pytestmark = pytest.mark.cluster

NewPerson = Callable[..., Person]
TEN_MIB = 10 * 1024**2

CLIENT = """
import json, time
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
client = bigquery.Client()
def config(**more):
    return bigquery.QueryJobConfig(default_dataset=f"{client.project}.DATASET", **more)
def run(sql, **more):
    return client.query_and_wait(sql, job_config=config(**more))
def dry(sql, **more):
    job = client.query(sql, job_config=config(dry_run=True, **more))
    accuracy = job._properties["statistics"]["query"]["totalBytesProcessedAccuracy"]
    return job.total_bytes_processed, accuracy
"""

# 1000 rows in ten days; each row weighs 8 + 8 + 8 + (2 + 2) + (2 + 2 + 8) bytes.
TABLES = """
client.create_dataset("DATASET", exists_ok=True)
run('''CREATE OR REPLACE TABLE orders PARTITION BY day AS
SELECT id, id * 2 AS amt, DATE_ADD(DATE '2026-01-01', INTERVAL MOD(id, 10) DAY) AS day,
  CONCAT('n', CAST(MOD(id, 10) AS STRING)) AS name, [STRUCT('ab' AS sku, 1 AS n)] AS items
FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS id''')
run("CREATE OR REPLACE TABLE people AS SELECT id, 'x' AS name FROM UNNEST(GENERATE_ARRAY(1, 100)) AS id")
run("CREATE OR REPLACE VIEW orders_view AS SELECT id, amt, day FROM DATASET.orders")
run("CREATE OR REPLACE TABLE log_a AS SELECT 1 AS a, 2 AS b")
run("CREATE OR REPLACE TABLE log_b AS SELECT 1 AS a, 2 AS b")
run("CREATE OR REPLACE TABLE hidden AS SELECT id, 'abc' AS s FROM UNNEST(GENERATE_ARRAY(1, 10)) AS id")
run(f"CREATE OR REPLACE ROW ACCESS POLICY big ON `{client.project}.DATASET.hidden` "
    "GRANT TO ('user:nobody@example.org') FILTER USING (id > 5)")
run("CREATE OR REPLACE TABLE strict (id INT64, day DATE) PARTITION BY day OPTIONS (require_partition_filter = TRUE)")
run("INSERT INTO strict SELECT id, DATE '2026-01-01' FROM UNNEST(GENERATE_ARRAY(1, 10)) AS id")
"""

COUNTED_BY_HAND = {
    "SELECT 1": (0, "PRECISE"),
    "SELECT id FROM orders": (8000, "PRECISE"),
    "SELECT id FROM orders LIMIT 1": (8000, "PRECISE"),
    "SELECT COUNT(*) FROM orders": (0, "PRECISE"),
    "SELECT name FROM orders": (4000, "PRECISE"),
    "SELECT * FROM orders": (40000, "PRECISE"),
    "SELECT i.sku FROM orders, UNNEST(items) AS i": (12000, "PRECISE"),
    "SELECT id FROM orders_view": (8000, "PRECISE"),
    "SELECT id FROM orders WHERE day = '2026-01-03'": (1600, "PRECISE"),
    "SELECT id FROM orders_view WHERE day = '2026-01-03'": (1600, "PRECISE"),
    "SELECT id FROM orders WHERE day < '2026-01-03'": (3200, "PRECISE"),
    "SELECT id FROM orders WHERE day = '2020-01-01'": (0, "PRECISE"),
    "SELECT amt FROM orders JOIN people USING (id)": (16800, "PRECISE"),
    "CREATE TABLE never AS SELECT id FROM orders": (8000, "PRECISE"),
    "CREATE VIEW never AS SELECT id FROM orders": (0, "PRECISE"),
    "INSERT INTO people (id) SELECT id FROM orders": (8000, "PRECISE"),
    "DELETE FROM people WHERE id = 1": (1100, "PRECISE"),
    "SELECT a FROM `log_*`": (32, "UPPER_BOUND"),
    "DECLARE x INT64 DEFAULT 1; SELECT id FROM orders WHERE id = x": (40000, "UPPER_BOUND"),
    "SELECT id FROM hidden": (80, "UPPER_BOUND"),
    "SELECT id FROM strict WHERE day = '2026-01-01'": (160, "PRECISE"),
    "SELECT id FROM strict WHERE day = '2026-01-02'": (0, "PRECISE"),
}


class Notebook:
    """A person's notebook with a data set of its own."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.dataset = f"meter_{time.time_ns()}"

    def __call__(self, code: str) -> Any:
        """What the code leaves in `answer`."""
        code = f"{CLIENT}\n{code}\nprint(json.dumps(answer))".replace("DATASET", self.dataset)
        return json.loads(self.person.python(code).splitlines()[-1])


@pytest.fixture(scope="module")
def notebook(lasting_person: NewPerson, kube: Kubectl) -> Iterator[Notebook]:
    settings = kube.get("configmap", "warehouse-credentials")
    if settings is None or kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = lasting_person()
    ada.start()
    made = Notebook(ada)
    made(f"{TABLES}\nanswer = None")
    yield made
    made("client.delete_dataset('DATASET', delete_contents=True, not_found_ok=True)\nanswer = None")


def test_a_dry_run_says_what_was_counted_by_hand(notebook: Notebook) -> None:
    counted = notebook(f"answer = {{sql: dry(sql) for sql in {list(COUNTED_BY_HAND)!r}}}")
    assert {sql: tuple(found) for sql, found in counted.items()} == COUNTED_BY_HAND
    parameters = notebook("""
named = [bigquery.ScalarQueryParameter("d", "DATE", "2026-01-03")]
placed = [bigquery.ScalarQueryParameter(None, "INT64", 5), bigquery.ScalarQueryParameter(None, "DATE", "2026-01-03")]
answer = [dry("SELECT id FROM orders WHERE day = @d", query_parameters=named),
          dry("SELECT id FROM orders WHERE id > ? AND day = ?", query_parameters=placed)]
""")
    assert parameters == [[1600, "PRECISE"], [1600, "PRECISE"]]


def test_a_job_shows_its_bytes_and_a_write_is_seen(notebook: Notebook) -> None:
    shown = notebook("""
job = client.query("SELECT id FROM people", job_config=config())
rows = len(list(job.result()))
listed = next(each for each in client.list_jobs(max_results=20) if each.job_id == job.job_id)
answer = [rows, [(each.total_bytes_processed, each.total_bytes_billed) for each in (client.get_job(job.job_id), listed)],
          run("SELECT id FROM people").total_bytes_processed]
run("INSERT INTO people (id, name) VALUES (101, 'y')")
answer.append(dry("SELECT id FROM people")[0])
""")
    assert shown == [100, [[800, TEN_MIB], [800, TEN_MIB]], 800, 808]


def test_over_its_limit_nothing_runs_and_everybody_is_told(notebook: Notebook) -> None:
    job, query, kept, destination = notebook("""
def refusal(action):
    try:
        action()
    except GoogleAPICallError as error:
        return [error.code, error.errors[0]["reason"], error.message]
limited = config(maximum_bytes_billed=1, labels={"cell": "one"})
name = f"refused-{time.time_ns()}"
sql = "CREATE TABLE never AS SELECT id FROM orders"
answer = [refusal(client.query(sql, job_id=name, job_retry=None, job_config=limited).result),
          refusal(lambda: client.query_and_wait("SELECT id FROM orders", job_config=limited))]
found = client.get_job(name)
answer += [[found.state, found.error_result["reason"], found.query, found.labels["cell"], found.total_bytes_billed],
           [each.table_id for each in client.list_tables("DATASET") if each.table_id == "never"]]
""")
    sentence = f"Query exceeded limit for bytes billed: 1. {TEN_MIB} or higher required."
    assert job[:2] == [500, "bytesBilledLimitExceeded"]
    assert query[:2] == [400, "bytesBilledLimitExceeded"]
    assert sentence in job[2]
    assert sentence in query[2]
    sql = "CREATE TABLE never AS SELECT id FROM orders"
    assert kept == ["DONE", "bytesBilledLimitExceeded", sql, "one", 0]
    assert destination == []


@pytest.mark.alone
def test_a_job_that_ran_when_the_emulator_died_has_failed(notebook: Notebook, kube: Kubectl) -> None:
    job = notebook("""
long = "SELECT COUNTIF(MOD(a * b, 7) = 3) FROM UNNEST(GENERATE_ARRAY(1, 60000)) a, UNNEST(GENERATE_ARRAY(1, 9000000)) b"
job = client.query(long, job_id=f"long-{time.time_ns()}", job_retry=None)
assert job.state == "RUNNING", job.state
answer = job.job_id
""")
    # No signal from inside of its container ends a first process. The kernel does, at the end of its processor time,
    # of which the query takes the last second itself.
    end = "import resource; resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))"
    kube("exec", "deploy/warehouse", "-c", "emulator", "--", "python", "-c", end)

    def error() -> Any:
        return notebook(f"answer = client.get_job({job!r}).error_result")

    assert eventually("the job has failed", error, 120)["reason"] == "jobBackendError"
    states = "[each.job_id for each in client.list_jobs(state_filter='running')]"
    assert job not in notebook(f"answer = {states}")
