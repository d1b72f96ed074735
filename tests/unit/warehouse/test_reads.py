"""Which columns of which tables a statement reads, and which partitions: SQL in, names out."""

import pytest

from carrel_warehouse.stand_in.metering.catalogue import (
    Column,
    Dataset,
    NotUnderstoodError,
    Partitioning,
    Table,
    TableName,
    wildcard,
)
from carrel_warehouse.stand_in.metering.reads import Read, missing, reads
from carrel_warehouse.stand_in.metering.statements import parsed, reading, target

HERE = Dataset("p", "d")


def name(table: str) -> TableName:
    return TableName("p", "d", table)


def columns(*names: str) -> tuple[Column, ...]:
    return tuple(Column(each, "INT64") for each in names)


ORDERS = Table(
    name("orders"),
    (
        *columns("id", "amt"),
        Column("day", "DATE"),
        Column("s", "RECORD", fields=columns("f", "g")),
        Column("items", "RECORD", repeated=True, fields=columns("sku", "n")),
    ),
    partitioning=Partitioning("day", "DAY"),
)
HOURLY = Table(name("hourly"), columns("v"), partitioning=Partitioning("_PARTITIONTIME", "HOUR"))
LOGS = [Table(name(f"log_{year}"), columns("a", "b")) for year in (2024, 2025)]
VIEWS = {
    "v": "SELECT id, amt, day FROM `p.d.orders`",
    "v_of_v": "SELECT * FROM d.v WHERE amt > 0",
    "lost": "SELECT id FROM orders",
}
KNOWN = {
    table.name: table
    for table in [
        ORDERS,
        HOURLY,
        Table(name("people"), columns("id", "Name")),
        Table(name("Mixed-Case"), columns("Id")),
        wildcard(name("log_*"), LOGS),
        *(Table(name(view), query=query) for view, query in VIEWS.items()),
    ]
}
ALL = "amt day id items s"


def read(sql: str) -> dict[str, str]:
    [statement] = parsed(sql)
    query = reading(statement)
    if query is None:
        return {}
    assert missing(query, KNOWN, HERE) == set()
    return {str(key.table): " ".join(sorted(each.columns)) for key, each in reads(query, KNOWN, HERE).items()}


@pytest.mark.parametrize(
    ("sql", "wanted"),
    [
        ("SELECT 1", {}),
        ("SELECT id FROM orders", {"orders": "id"}),
        ("SELECT id FROM d.orders", {"orders": "id"}),
        ("SELECT ID FROM `p.d.orders` LIMIT 1", {"orders": "id"}),
        ("SELECT id FROM `p`.`d`.`orders` AS o WHERE o.amt > 1", {"orders": "amt id"}),
        ("SELECT id FROM `Mixed-Case`", {"Mixed-Case": "id"}),
        ("SELECT * FROM orders", {"orders": ALL}),
        ("SELECT * EXCEPT (s, items) FROM orders", {"orders": "amt day id"}),
        ("SELECT COUNT(*) FROM orders", {"orders": ""}),
        ("SELECT COUNT(*) FROM (SELECT * FROM orders)", {"orders": ""}),
        ("SELECT COUNT(amt) FROM orders", {"orders": "amt"}),
        ("SELECT s.f FROM orders", {"orders": "s"}),
        ("SELECT o.s.f FROM orders o", {"orders": "s"}),
        ("SELECT TO_JSON_STRING(o) FROM orders AS o", {"orders": ALL}),
        ("SELECT COUNT(o) FROM (SELECT id, amt FROM orders) AS o", {"orders": "amt id"}),
        ("SELECT TO_JSON_STRING(o) FROM (SELECT id, amt, day FROM orders) AS o", {"orders": "amt day id"}),
        ("WITH o AS (SELECT id, amt FROM orders) SELECT o FROM o", {"orders": "amt id"}),
        (
            "WITH a AS (SELECT id FROM people), b AS (SELECT * FROM a) SELECT 1 AS x FROM orders",
            {"orders": ""},
        ),
        ("SELECT i.sku FROM orders, UNNEST(items) AS i", {"orders": "items"}),
        ("SELECT i.sku FROM orders AS o, o.items AS i", {"orders": "items"}),
        ("SELECT i.sku FROM orders, orders.items AS i", {"orders": "items"}),
        ("SELECT i.sku FROM d.orders CROSS JOIN orders.items AS i", {"orders": "items"}),
        ("SELECT (SELECT SUM(i.n) FROM UNNEST(items) AS i) FROM orders", {"orders": "items"}),
        ("SELECT day, COUNT(*) AS n FROM orders GROUP BY 1 ORDER BY n", {"orders": "day"}),
        ("SELECT amt AS x FROM orders GROUP BY x ORDER BY 1", {"orders": "amt"}),
        ("SELECT id FROM orders QUALIFY ROW_NUMBER() OVER (ORDER BY amt) = 1", {"orders": "amt id"}),
        ("SELECT id FROM (SELECT * FROM orders) WHERE amt = 1", {"orders": "amt id"}),
        ("WITH a AS (SELECT * FROM orders), b AS (SELECT * FROM people) SELECT id FROM a", {"orders": "id"}),
        ("WITH orders AS (SELECT id AS x FROM orders) SELECT x FROM orders", {"orders": "id"}),
        ("SELECT amt FROM orders JOIN people USING (id)", {"orders": "amt id", "people": "id"}),
        ("SELECT a.amt FROM orders a JOIN orders b ON a.id = b.s.f", {"orders": "amt id s"}),
        (
            "SELECT amt FROM orders o WHERE EXISTS (SELECT 1 FROM people p WHERE p.id = o.id)",
            {"orders": "amt id", "people": "id"},
        ),
        ("SELECT id FROM orders UNION ALL SELECT id FROM people", {"orders": "id", "people": "id"}),
        ("SELECT * FROM orders PIVOT (SUM(amt) FOR id IN (1, 2))", {"orders": ALL}),
        ("FROM orders |> WHERE amt > 1 |> SELECT id", {"orders": "amt id"}),
        ("SELECT id FROM v", {"orders": "id"}),
        ("SELECT id FROM v_of_v", {"orders": "amt id"}),
        ("SELECT x.id FROM v AS x JOIN v_of_v AS y USING (id)", {"orders": "amt id"}),
        ("SELECT a FROM `log_*` WHERE _TABLE_SUFFIX = '2024'", {"log_*": "a"}),
        (
            "SELECT v FROM hourly WHERE _PARTITIONTIME > TIMESTAMP '2026-01-01'",
            {"hourly": "v"},
        ),
        ("CREATE TABLE t AS SELECT id FROM orders", {"orders": "id"}),
        ("CREATE OR REPLACE TABLE d.t PARTITION BY day AS (SELECT day FROM orders)", {"orders": "day"}),
        ("CREATE TABLE t (a INT64)", {}),
        ("CREATE VIEW w AS SELECT * FROM orders", {}),
        ("DROP TABLE orders", {}),
        ("INSERT INTO people (id) VALUES (1)", {}),
        ("INSERT INTO people (id) SELECT amt FROM orders", {"orders": "amt"}),
        ("DELETE FROM people WHERE id = 1", {"people": "id name"}),
        ("DELETE FROM people p WHERE p.id IN (SELECT id FROM orders)", {"people": "id name", "orders": "id"}),
        ("UPDATE people SET name = 1 WHERE id = 1", {"people": "id name"}),
        (
            "UPDATE people p SET name = o.amt FROM orders o WHERE o.id = p.id",
            {"people": "id name", "orders": "amt id"},
        ),
        (
            (
                "MERGE people AS p USING orders AS o ON p.id = o.id WHEN MATCHED THEN UPDATE SET name = o.amt "
                "WHEN NOT MATCHED THEN INSERT (id, name) VALUES (id, amt)"
            ),
            {"people": "id name", "orders": "amt id"},
        ),
        (
            (
                "MERGE people AS p USING (SELECT * FROM orders) AS o ON p.id = o.id "
                "WHEN NOT MATCHED THEN INSERT (id, name) VALUES (o.id, o.amt)"
            ),
            {"people": "id", "orders": "amt id"},
        ),
        (
            (
                "MERGE people AS p USING people AS o ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE "
                "WHEN NOT MATCHED THEN INSERT ROW"
            ),
            {"people": "id name"},
        ),
    ],
)
def test_a_statement_reads_the_columns_it_names(sql: str, wanted: dict[str, str]) -> None:
    assert read(sql) == wanted


@pytest.mark.parametrize(
    ("sql", "where"),
    [
        ("SELECT id FROM orders", None),
        ("SELECT id FROM orders WHERE id = 1", None),
        ("SELECT id FROM orders WHERE day = '2026-01-01' AND id = 1", "(`day` = '2026-01-01')"),
        ("SELECT id FROM orders WHERE day = @d", "(`day` = @d)"),
        ("SELECT id FROM orders WHERE day IN UNNEST(@ds)", "(`day` IN UNNEST(@ds))"),
        ("SELECT id FROM orders WHERE day > ? AND day < ?", "(`day` < @carrel_1) AND (`day` > @carrel_0)"),
        ("SELECT '?', id FROM orders WHERE day = ?", "(`day` = @carrel_0)"),
        ("SELECT id FROM orders WHERE day = '2026-01-01' OR id = 1", None),
        ("SELECT id FROM orders WHERE day = (SELECT MAX(day) FROM orders)", None),
        ("SELECT id FROM orders WHERE day = my.function(day)", None),
        ("SELECT id FROM (SELECT * FROM orders) WHERE day = @d", "(`day` = @d)"),
        ("SELECT id FROM v WHERE day = @d", "(`day` = @d)"),
        ("SELECT id FROM (SELECT * FROM orders LIMIT 3) WHERE day = @d", None),
        (
            "SELECT id FROM (SELECT id, day FROM orders QUALIFY RANK() OVER (ORDER BY amt) = 1) WHERE day = @d",
            None,
        ),
        (
            "SELECT t FROM (SELECT *, SUM(amt) OVER (ORDER BY id) AS t FROM orders) WHERE day = @d",
            None,
        ),
        ("SELECT o.id FROM orders o JOIN people p ON p.id = o.id WHERE o.day = @d", "(`day` = @d)"),
        ("SELECT p.id FROM people p LEFT JOIN orders o ON p.id = o.id AND o.day = @d", "(`day` = @d)"),
        ("SELECT p.id FROM orders o LEFT JOIN people p ON p.id = o.id AND o.day = @d", None),
        ("SELECT p.id FROM people p FULL JOIN orders o ON p.id = o.id AND o.day = @d", None),
        ("SELECT id FROM orders WHERE day = @d UNION ALL SELECT id FROM orders", None),
        (
            "SELECT id FROM orders WHERE day = @d UNION ALL SELECT amt FROM orders WHERE day = @e",
            "((`day` = @d)) OR ((`day` = @e))",
        ),
        ("DELETE FROM orders WHERE day = @d", "(`day` = @d)"),
    ],
)
def test_only_conditions_on_the_partition_column_alone_leave_partitions_out(
    sql: str, where: str | None
) -> None:
    [statement] = parsed(sql)
    query = reading(statement)
    assert query is not None
    assert reads(query, KNOWN, HERE)[ORDERS.name].where == where


def test_the_time_of_arrival_leaves_partitions_out_too() -> None:
    [query] = parsed("SELECT v FROM hourly WHERE _PARTITIONTIME > @since")
    found = reading(query)
    assert found is not None
    assert reads(found, KNOWN, HERE)[HOURLY.name].where == "(`_PARTITIONTIME` > @since)"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT FROM",
        "SELECT nosuch FROM orders",
        "SELECT id FROM orders, people",
        "SELECT * FROM d.INFORMATION_SCHEMA.TABLES",
        "SELECT * FROM d.__TABLES__",
        "SELECT * FROM APPENDS(TABLE orders)",
        "SELECT id FROM lost",
        "DECLARE x INT64 DEFAULT 1",
        "SET (x) = (SELECT AS STRUCT 1)",
        "CALL d.procedure(1)",
        "EXECUTE IMMEDIATE 'SELECT 1'",
        "SELECT " + "(" * 3000 + "1" + ")" * 3000,
    ],
    ids=lambda sql: sql[:40],
)
def test_what_is_not_understood_says_so(sql: str) -> None:
    def understand() -> None:
        for query in filter(None, map(reading, parsed(sql))):
            missing(query, KNOWN, HERE)
            reads(query, KNOWN, HERE)

    with pytest.raises(NotUnderstoodError):
        understand()


def test_a_view_names_what_must_be_known_next() -> None:
    [query] = parsed("SELECT id FROM v_of_v JOIN people USING (id)")
    found = reading(query)
    assert found is not None
    assert missing(found, {}, HERE) == {name("v_of_v"), name("people")}
    known = {each: KNOWN[each] for each in (name("v_of_v"), name("people"))}
    assert missing(found, known, HERE) == {name("v")}


def test_a_view_in_itself_ends() -> None:
    [query] = parsed("SELECT id FROM v")
    found = reading(query)
    assert found is not None
    with pytest.raises(NotUnderstoodError, match="deep"):
        missing(found, {name("v"): Table(name("v"), query="SELECT id FROM d.v")}, HERE)


def test_reads_of_one_table_add_up_and_an_unbounded_one_takes_all() -> None:
    a, b = Read(frozenset("x"), "w"), Read(frozenset("y"), "w")
    assert a | b == Read(frozenset("xy"), "w")
    assert (a | Read(frozenset("y"))).where is None
    assert (Read(frozenset("x")) | a).where is None


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        ("SELECT 1", None),
        ("CREATE TABLE d.t AS SELECT 1 AS x", "d.t"),
        ("CREATE TABLE d.t (x INT64)", None),
        ("CREATE TEMP TABLE t AS SELECT 1 AS x", None),
        ("CREATE VIEW d.t AS SELECT 1 AS x", None),
        ("INSERT INTO d.t (x) SELECT 1", "d.t"),
        ("MERGE d.t AS a USING d.s AS b ON FALSE WHEN NOT MATCHED THEN INSERT ROW", "d.t"),
        ("DELETE FROM d.t AS a WHERE TRUE", "d.t"),
        ("UPDATE d.t SET x = 1 WHERE TRUE", "d.t"),
        ("TRUNCATE TABLE d.t", None),
    ],
)
def test_the_table_that_is_written(sql: str, table: str | None) -> None:
    [statement] = parsed(sql)
    found = target(statement)
    assert (found and f"{found.db}.{found.name}") == table
