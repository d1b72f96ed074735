"""What a text reads and writes, said of every statement that BigQuery has, whether our parser knows it or not."""

import pytest

from carrel_warehouse.stand_in.access.needs import Needs, needs
from carrel_warehouse.stand_in.metering.catalogue import Dataset
from carrel_warehouse.stand_in.metering.meter import Question


def of(sql: str, dataset: str | None = None) -> Needs:
    return needs(Question(sql, Dataset("p", dataset)))


def names(found: set[object]) -> set[str]:
    return {str(each) for each in found}


@pytest.mark.parametrize(
    ("sql", "reads", "writes"),
    [
        ("SELECT a FROM s.t", {"p.s.t"}, set()),
        ("SELECT a FROM `q.s.t` JOIN `s`.u USING (a)", {"q.s.t", "p.s.u"}, set()),
        ("SELECT (SELECT MAX(a) FROM s.t)", {"p.s.t"}, set()),
        ("WITH w AS (SELECT * FROM s.t) SELECT * FROM w", {"p.s.t"}, set()),
        ("SELECT * FROM d.INFORMATION_SCHEMA.TABLES", {"p.d.INFORMATION_SCHEMA.TABLES"}, set()),
        ("SELECT * FROM INFORMATION_SCHEMA.TABLES", {"p..INFORMATION_SCHEMA.TABLES"}, set()),
        ("CREATE TABLE d.t AS SELECT * FROM s.t", {"p.s.t"}, {"p.d.t"}),
        ("CREATE OR REPLACE TABLE d.t CLONE s.t", {"p.s.t"}, {"p.d.t"}),
        ("CREATE VIEW d.v AS SELECT * FROM s.t", {"p.s.t"}, {"p.d.v"}),
        ("CREATE FUNCTION d.f() AS ((SELECT MAX(a) FROM s.t))", {"p.s.t"}, {"p.d.f"}),
        ("CREATE TEMP TABLE x AS SELECT * FROM s.t", {"p.s.t"}, set()),
        ("INSERT INTO d.t SELECT * FROM s.t", {"p.s.t"}, {"p.d.t"}),
        ("UPDATE d.t SET a = 1 FROM s.u WHERE TRUE", {"p.s.u"}, {"p.d.t"}),
        ("DELETE d.t WHERE a IN (SELECT a FROM s.t)", {"p.s.t"}, {"p.d.t"}),
        ("MERGE d.t USING s.u ON TRUE WHEN NOT MATCHED THEN INSERT ROW", {"p.s.u"}, {"p.d.t"}),
        ("DROP TABLE d.t", set(), {"p.d.t"}),
        ("TRUNCATE TABLE d.t", set(), {"p.d.t"}),
        ("ALTER TABLE d.t ADD COLUMN b INT64", set(), {"p.d.t"}),
        ("SELECT 1; DROP TABLE d.t", set(), {"p.d.t"}),
        ("DECLARE x INT64 DEFAULT (SELECT MAX(a) FROM s.t)", {"p.s.t"}, set()),
        ("BEGIN INSERT INTO d.t SELECT * FROM s.t; END", {"p.s.t"}, {"p.d.t"}),
        ("EXECUTE IMMEDIATE 'INSERT INTO d.t SELECT * FROM s.t'", {"p.s.t"}, {"p.d.t"}),
        ("EXECUTE IMMEDIATE 'SELECT * FROM s.t' INTO x", {"p.s.t"}, set()),
    ],
)
def test_a_statement_that_is_understood_is_said_exactly(sql: str, reads: set[str], writes: set[str]) -> None:
    found = of(sql)
    assert reads <= names(found.reads)
    assert not {each for each in names(found.reads) - reads if each.startswith(("p.s.", "q."))}
    assert names(found.writes) == writes
    assert (found.words, found.unknown) == (set(), False)


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE SNAPSHOT TABLE secret.x CLONE s.t",
        "CREATE ROW ACCESS POLICY b ON secret.t GRANT TO ('user:x') FILTER USING (a > 5)",
        "ALTER SCHEMA secret SET OPTIONS (description = 'x')",
        "GRANT `roles/bigquery.dataViewer` ON SCHEMA `secret` TO 'user:x'",
        "CREATE PROCEDURE d.p() BEGIN INSERT INTO secret.t SELECT 1; END",
        "IF TRUE THEN CREATE SNAPSHOT TABLE `p.secret.x` CLONE s.t; END IF",
    ],
)
def test_a_writing_statement_that_is_not_understood_writes_all_that_it_names(sql: str) -> None:
    found = of(sql, "home")
    assert "secret" in found.words or "p.secret.t" in names(found.writes)
    assert "p.home." in names(found.writes)


@pytest.mark.parametrize(
    "sql",
    [
        "IF (SELECT COUNT(*) FROM s.t) > 0 THEN SELECT 1; END IF",
        "WHILE x < (SELECT COUNT(*) FROM s.t) DO SET x = x + 1; END WHILE",
        "FOR r IN (SELECT * FROM `s.t`) DO SELECT 1; END FOR",
        "CALL d.p((SELECT MAX(a) FROM s.t))",
        "SELECT * FROM APPENDS(TABLE s.t, NULL, NULL)",
        "SELECT '" + "x" * 300_000 + "' FROM s.t",
    ],
    ids=lambda sql: sql[:20],
)
def test_a_reading_statement_that_is_not_understood_reads_all_that_it_names(sql: str) -> None:
    found = of(sql)
    assert "p.s.t" in names(found.reads)
    assert (found.writes, found.words) == (set(), set())


@pytest.mark.parametrize(
    "sql",
    [
        "EXECUTE IMMEDIATE CONCAT('DROP TABLE ', x)",
        "EXECUTE IMMEDIATE 'DROP TABLE ' || x",
        "BEGIN execute immediate x; END",
        "CREATE PROCEDURE d.p(x STRING) BEGIN EXECUTE IMMEDIATE x; END",
    ],
)
def test_what_is_put_together_as_it_runs_is_unknown(sql: str) -> None:
    assert of(sql).unknown


def test_datasets_are_made_and_dropped() -> None:
    assert names(of("CREATE SCHEMA IF NOT EXISTS `q.d`").makes) == {"q.d."}
    assert names(of("DROP SCHEMA d CASCADE").drops) == {"p.d."}


def test_a_temporary_table_is_nobodys() -> None:
    assert of("CREATE TEMP TABLE t AS SELECT 1 AS a; SELECT * FROM t").reads == set()
