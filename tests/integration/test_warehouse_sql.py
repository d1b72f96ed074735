"""What a team writes: BigQuery's SQL and the calls of Google's client, in one notebook against the stand-in."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.cluster import Kubectl, Person, unique
from support.kernels import Kernel

pytestmark = pytest.mark.cluster

# One cell. Each check is an expression; what it gives, or how it fails, is compared here and not there.
CELL = """
import json, time
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
client = bigquery.Client()
client.create_dataset(DATASET)
config = bigquery.QueryJobConfig(default_dataset=f"{client.project}.{DATASET}")
def plain(value):
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value if isinstance(value, (int, float, str, type(None))) else str(value)
def rows(sql, *parameters):
    more = bigquery.QueryJobConfig(query_parameters=parameters, default_dataset=config.default_dataset)
    return [plain(list(row.values())) for row in client.query_and_wait(sql, job_config=more)]
def run(sql):
    return client.query(sql, job_config=config).result()
def refusal(action):
    try:
        return action() and None
    except GoogleAPICallError as error:
        return [int(error.code or 0), error.errors[0]["reason"]]
def check(code):
    try:
        return plain(eval(code))
    except Exception as error:
        return f"{type(error).__name__}: {error}"
def table(name):
    return client.get_table(f"{DATASET}.{name}")
def streamed():
    errors = client.insert_rows_json(table("people"), [{"id": 9, "name": "streamed"}])
    return errors, rows("SELECT name FROM people WHERE id = 9")
def in_pages():
    pages = client.query("SELECT id FROM orders ORDER BY id", job_config=config).result(page_size=4).pages
    return [[row.id for row in page] for page in pages]
def twice():
    name = f"twice-{time.time_ns()}"
    begin = lambda: client.query("SELECT 1", job_id=name, retry=None, job_retry=None)
    return begin().result().total_rows, refusal(begin)
def cancelled():
    sql = "SELECT COUNTIF(MOD(a * b, 7) = 3) FROM UNNEST(GENERATE_ARRAY(1, 60000)) a, UNNEST(GENERATE_ARRAY(1, 900000)) b"
    job = client.query(sql, retry=None, job_retry=None)
    time.sleep(1)
    job.cancel()
    return refusal(lambda: job.result(timeout=20))
def into():
    job = bigquery.QueryJobConfig(destination=f"{client.project}.{DATASET}.kept", write_disposition="WRITE_TRUNCATE")
    for _ in range(2):
        client.query(f"SELECT id FROM {DATASET}.orders", job_config=job).result()
    return table("kept").num_rows
def copied():
    client.copy_table(f"{DATASET}.people", f"{DATASET}.copy").result()
    return rows("SELECT COUNT(*) FROM copy WHERE id < 9")
def labelled():
    kept = table("orders")
    kept.labels = {"team": "risk"}
    client.update_table(kept, ["labels"])
    return table("orders").labels
answers = {}
for statement in SETUP:
    run(statement)
for name, code in CHECKS.items():
    answers[name] = check(code)
client.delete_dataset(DATASET, delete_contents=True)
print(json.dumps(answers))
"""

SETUP = [
    """CREATE TABLE orders PARTITION BY day CLUSTER BY customer AS SELECT id, MOD(id, 3) AS customer, id * 10 AS amt,
       DATE_ADD(DATE '2026-01-01', INTERVAL id DAY) AS day FROM UNNEST(GENERATE_ARRAY(1, 10)) AS id""",
    "CREATE TABLE people AS SELECT 0 AS id, 'Ada' AS name UNION ALL SELECT 1, 'Bob' UNION ALL SELECT 2, 'Eve'",
    "CREATE TABLE log_2025 AS SELECT 1 AS n",
    "CREATE TABLE log_2026 AS SELECT 2 AS n",
    "CREATE FUNCTION twice(x INT64) AS (x * 2)",
]


def sql(text: str, *parameters: str) -> str:
    return f"rows({', '.join([repr(text), *parameters])})"


CHECKS: dict[str, tuple[str, Any]] = {
    "QUALIFY": (
        sql(
            "SELECT id FROM orders QUALIFY ROW_NUMBER() OVER (PARTITION BY customer ORDER BY amt DESC) = 1 ORDER BY id"
        ),
        [[8], [9], [10]],
    ),
    "windows": (
        sql(
            "SELECT SUM(amt) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM orders ORDER BY id LIMIT 3"
        ),
        [[10], [30], [50]],
    ),
    "arrays of structs": (
        sql("SELECT ARRAY_AGG(STRUCT(id AS a, amt AS b) ORDER BY id LIMIT 2) FROM orders"),
        [[[{"a": 1, "b": 10}, {"a": 2, "b": 20}]]],
    ),
    "structs named by their columns": (
        sql(
            "SELECT e.id FROM (SELECT ARRAY_AGG(STRUCT(id, amt)) AS es FROM orders), UNNEST(es) AS e ORDER BY 1 LIMIT 2"
        ),
        [[1], [2]],
    ),
    "UNNEST WITH OFFSET": (
        sql("SELECT x, o FROM UNNEST(['a', 'b']) AS x WITH OFFSET AS o ORDER BY o"),
        [["a", 0], ["b", 1]],
    ),
    "dates": (
        sql(
            "SELECT DATE_TRUNC(DATE '2026-02-15', MONTH), DATE_DIFF(DATE '2026-03-01', DATE '2026-02-01', DAY), "
            "FORMAT_DATE('%Y-%m', DATE '2026-02-15'), PARSE_DATE('%d.%m.%Y', '15.02.2026'), "
            "EXTRACT(DAYOFWEEK FROM DATE '2026-02-15'), LAST_DAY(DATE '2026-02-15')"
        ),
        [["2026-02-01", 28, "2026-02", "2026-02-15", 1, "2026-02-28"]],
    ),
    "timestamps": (
        sql(
            "SELECT TIMESTAMP_TRUNC(TIMESTAMP '2026-02-15 10:20:30+00', HOUR), UNIX_SECONDS(TIMESTAMP '2026-01-01'), "
            "FORMAT_TIMESTAMP('%H:%M', TIMESTAMP '2026-02-15 10:20:30+00', 'Europe/Berlin')"
        ),
        [["2026-02-15 10:00:00+00:00", 1767225600, "11:20"]],
    ),
    "JSON": (
        sql(
            "SELECT JSON_VALUE(j, '$.a.b'), INT64(j.n), TO_JSON_STRING(j.n) "
            """FROM (SELECT PARSE_JSON('{"a": {"b": "x"}, "n": 7}') AS j)"""
        ),
        [["x", 7, "7"]],
    ),
    "approximations": (
        sql(
            "SELECT APPROX_QUANTILES(id, 2)[OFFSET(1)], APPROX_COUNT_DISTINCT(customer), COUNTIF(amt > 50) FROM orders"
        ),
        [[5, 3, 5]],
    ),
    "statistics": (
        sql("SELECT ROUND(CORR(id, amt), 3), ROUND(STDDEV_SAMP(id), 3), SAFE_DIVIDE(1, 0) FROM orders"),
        [[1.0, 3.028, None]],
    ),
    "texts": (
        sql(
            "SELECT REGEXP_EXTRACT('flight UA-12', r'([A-Z]{2})-'), SPLIT('a,b', ',')[OFFSET(1)], "
            "(SELECT STRING_AGG(name, '+' ORDER BY name) FROM people WHERE id < 9), SAFE_CAST('x' AS INT64)"
        ),
        [["UA", "b", "Ada+Bob+Eve", None]],
    ),
    "NUMERIC": (sql("SELECT NUMERIC '0.1' + NUMERIC '0.2'"), [["0.3"]]),
    "PIVOT": (
        sql(
            "SELECT * FROM (SELECT customer, MOD(id, 2) AS odd, amt FROM orders) "
            "PIVOT (SUM(amt) FOR odd IN (0 AS even, 1 AS odd)) ORDER BY customer"
        ),
        [[0, 60, 120], [1, 140, 80], [2, 100, 50]],
    ),
    "ROLLUP": (
        sql("SELECT customer, SUM(amt) FROM orders GROUP BY ROLLUP (customer) ORDER BY customer"),
        [[None, 550], [0, 180], [1, 220], [2, 150]],
    ),
    "GROUP BY ALL": (
        sql("SELECT customer, COUNT(*) FROM orders GROUP BY ALL ORDER BY customer"),
        [[0, 3], [1, 4], [2, 3]],
    ),
    "wildcard tables": (
        sql("SELECT _TABLE_SUFFIX, n FROM `log_*` WHERE _TABLE_SUFFIX >= '2026'"),
        [["2026", 2]],
    ),
    "functions in SQL": (sql("SELECT twice(21)"), [[42]]),
    "functions in JavaScript": (
        sql(
            "CREATE TEMP FUNCTION up(s STRING) RETURNS STRING LANGUAGE js AS \"return s.toUpperCase()\"; SELECT up('a')"
        ),
        [["A"]],
    ),
    "MERGE": (
        sql(
            "MERGE people AS p USING (SELECT 1 AS id, 'Rob' AS name UNION ALL SELECT 5, 'New') AS n ON p.id = n.id "
            "WHEN MATCHED THEN UPDATE SET name = n.name WHEN NOT MATCHED THEN INSERT ROW; "
            "SELECT id, name FROM people ORDER BY id"
        ),
        [[0, "Ada"], [1, "Rob"], [2, "Eve"], [5, "New"]],
    ),
    "a script": (
        sql(
            "DECLARE total INT64 DEFAULT 0; WHILE total < 5 DO SET total = total + 2; END WHILE; "
            "BEGIN SELECT ERROR('no'); EXCEPTION WHEN ERROR THEN SET total = total * 10; END; SELECT total"
        ),
        [[60]],
    ),
    "temporary tables": (
        sql(
            "CREATE TEMP TABLE t AS SELECT 1 AS n; EXECUTE IMMEDIATE 'INSERT INTO t (n) VALUES (2)'; SELECT SUM(n) FROM t"
        ),
        [[3]],
    ),
    "ROLLBACK": (
        sql(
            "BEGIN TRANSACTION; DELETE FROM people WHERE TRUE; ROLLBACK TRANSACTION; SELECT COUNT(*) > 3 FROM people"
        ),
        [[True]],
    ),
    "parameters": (
        sql(
            "SELECT ARRAY_LENGTH(@xs), @p.name, 3 IN UNNEST(@xs)",
            "bigquery.ArrayQueryParameter('xs', 'INT64', [1, 3])",
            "bigquery.StructQueryParameter('p', bigquery.ScalarQueryParameter('name', 'STRING', 'Ada'))",
        ),
        [[2, "Ada", True]],
    ),
    "INFORMATION_SCHEMA.TABLES": (
        sql("SELECT table_name FROM INFORMATION_SCHEMA.TABLES WHERE table_name LIKE 'log%' ORDER BY 1"),
        [["log_2025"], ["log_2026"]],
    ),
    "INFORMATION_SCHEMA.COLUMNS": (
        sql(
            "SELECT column_name, data_type FROM INFORMATION_SCHEMA.COLUMNS WHERE table_name = 'people' ORDER BY 1"
        ),
        [["id", "INT64"], ["name", "STRING"]],
    ),
    "__TABLES__": (sql("SELECT row_count FROM __TABLES__ WHERE table_id = 'orders'"), [[10]]),
    "partitions and clusters are kept": (
        "[table('orders').time_partitioning.field, table('orders').clustering_fields]",
        ["day", ["customer"]],
    ),
    "rows that stream in": ("streamed()", "([], [['streamed']])"),
    "pages": ("in_pages()", [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]),
    "a job's id is used once": ("twice()", "(1, [409, 'duplicate'])"),
    "Cancel": ("cancelled()", [200, "stopped"]),
    "a result is kept as a table": ("into()", 10),
    "a table is copied": ("copied()", [[4]]),
    "labels of a table": ("labelled()", {"team": "risk"}),
    "a mistake": ("refusal(lambda: run('SELEC 1'))", [400, "invalidQuery"]),
    "no such table": ("refusal(lambda: run('SELECT * FROM nothing_here'))", [404, "notFound"]),
    "no such column": ("refusal(lambda: run('SELECT nothing FROM people'))", [400, "invalidQuery"]),
}


def test_what_a_team_writes(person: Callable[..., Person], kube: Kubectl) -> None:
    if kube.get("deployment", "warehouse") is None:
        pytest.skip("this platform's warehouse is not the stand-in")
    ada = person()
    ada.start()
    values = {
        "DATASET": unique("sql").replace("-", "_"),
        "SETUP": SETUP,
        "CHECKS": {name: code for name, (code, _) in CHECKS.items()},
    }
    given = "\n".join(f"{name} = {value!r}" for name, value in values.items())
    outcome = Kernel.start(ada, "sql.ipynb").run(f"{given}\n{CELL}", 120)
    assert outcome.error is None, outcome
    answers = json.loads(outcome.said.splitlines()[-1])
    wrong = {name: answers[name] for name, (_, expected) in CHECKS.items() if answers[name] != expected}
    assert wrong == {}
