"""Which partitions a query reads: the conditions on the partition column alone, and the key that names a partition."""

from collections.abc import Iterable

from sqlglot import exp

from carrel_warehouse.stand_in.metering.catalogue import Column, Partitioning

_TRUNCATED = {"DATE": "DATE_TRUNC", "DATETIME": "DATETIME_TRUNC", "TIMESTAMP": "TIMESTAMP_TRUNC"}


def condition(select: exp.Expr, alias: str, column: str) -> exp.Expr | None:
    """What a SELECT demands of one source's partition column; None if nothing."""
    wanted = [each for each in _conjuncts(select, alias) if _is_about(each, alias, column)]
    return exp.and_(*(_bare(each, column) for each in wanted)) if wanted else None


def key(partitioning: Partitioning, columns: Iterable[Column]) -> str:
    """SQL that has one value in each partition, also where the column is null."""
    name = f"`{partitioning.column}`"
    if partitioning.unit is None:
        inside = f"FLOOR(({name} - {partitioning.start}) / {partitioning.interval})"
    else:
        types = {each.name.lower(): each.type for each in columns}
        truncate = _TRUNCATED.get(types.get(partitioning.column.lower(), "TIMESTAMP"), "TIMESTAMP_TRUNC")
        inside = f"{truncate}({name}, {partitioning.unit})"
    return f"IFNULL(CAST({inside} AS STRING), '')"


def _conjuncts(select: exp.Expr, alias: str) -> list[exp.Expr]:
    """Conditions that every row of that source must meet to be of use."""
    where = select.args.get("where")
    found = list(where.this.flatten() if isinstance(where.this, exp.And) else [where.this]) if where else []
    for join in select.args.get("joins") or []:
        on = join.args.get("on")
        # A row of the kept side of an outer join is of use whatever ON says.
        if on is not None and (not join.side or (join.side == "LEFT" and join.alias_or_name == alias)):
            found += on.flatten() if isinstance(on, exp.And) else [on]
    return found


def _is_about(expression: exp.Expr, alias: str, column: str) -> bool:
    columns = list(expression.find_all(exp.Column))  # only pseudo-columns are left without a table
    # BigQuery leaves no partition out for what it learns only while the query runs.
    unknown = expression.find(exp.Query, exp.Rand, exp.Anonymous, exp.SessionUser)
    return (
        bool(columns)
        and unknown is None
        and all(each.table in {alias, ""} and each.name.lower() == column.lower() for each in columns)
    )


def _bare(expression: exp.Expr, column: str) -> exp.Expr:
    def strip(node: exp.Expr) -> exp.Expr:
        return exp.column(exp.to_identifier(column, quoted=True)) if isinstance(node, exp.Column) else node

    return exp.paren(expression.copy().transform(strip))
