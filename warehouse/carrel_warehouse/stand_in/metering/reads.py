"""Which columns of which tables a query reads."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope

from carrel_warehouse.stand_in.metering import partitions
from carrel_warehouse.stand_in.metering.catalogue import Column, Dataset, NotUnderstoodError, Table, TableName
from carrel_warehouse.stand_in.metering.statements import parsed

DEEPEST = 16  # views in views, as BigQuery has it
_BASE = "__carrel_base_"
T = TypeVar("T")
# sqlglot meets SQL that its authors didn't think of with whatever its code happens to raise.
_PUZZLED = (SqlglotError, RecursionError, LookupError, AttributeError, TypeError, ValueError)


@dataclass(frozen=True)
class Read:
    """The columns that are read of a table, lower case; `where` says of which partitions, None of all."""

    columns: frozenset[str]
    where: str | None = None

    def __or__(self, other: "Read") -> "Read":
        both = self.where is not None and other.where is not None
        where = self.where if self.where == other.where else f"({self.where}) OR ({other.where})"
        return Read(self.columns | other.columns, where if both else None)


@dataclass
class Expanded:
    """A query in which every base table has a name of ours, and what these names stand for."""

    query: exp.Query
    bases: dict[str, Table] = field(default_factory=dict)


Known = Mapping[TableName, Table]


def missing(query: exp.Query, known: Known, default: Dataset) -> set[TableName]:
    """The tables that must be known before `reads` can answer; ask again once they are, a view may name more."""
    unknown: set[TableName] = set()

    def note(name: TableName) -> Table:
        if name not in known:
            unknown.add(name)
        return known.get(name, Table(name))

    _guarded(lambda: _expand(query.copy(), note, default, Expanded(query), 0))
    return unknown


def reads(query: exp.Query, known: Known, default: Dataset) -> dict[TableName, Read]:
    """What the query reads of each base table.

    Raises:
        NotUnderstoodError: it can't be said of some column whose it is.
    """
    expanded = Expanded(query.copy())
    return _guarded(lambda: _read(expanded, known, default))


def whole(table: Table) -> Read:
    """All of a table."""
    return Read(frozenset(column.name.lower() for column in table.columns))


def _guarded(action: Callable[[], T]) -> T:
    try:
        return action()
    except _PUZZLED as error:
        raise NotUnderstoodError(str(error)) from error


def _read(expanded: Expanded, known: Known, default: Dataset) -> dict[TableName, Read]:
    query = _expand(expanded.query, known.__getitem__, default, expanded, 0)
    schema: dict[str, object] = {name: _schema(table) for name, table in expanded.bases.items()}
    query = qualify(
        query, schema=schema, dialect="bigquery", validate_qualify_columns=False, quote_identifiers=False
    )
    query = pushdown_predicates(pushdown_projections(query))
    found: dict[TableName, Read] = {}
    for scope in traverse_scope(query):
        _refuse_strays(scope)
        for table, read in _sources(scope, expanded.bases):
            found[table.name] = found[table.name] | read if table.name in found else read
    return found


def _expand(
    query: exp.Query, find: Callable[[TableName], Table], default: Dataset, expanded: Expanded, depth: int
) -> exp.Query:
    if depth > DEEPEST:
        raise NotUnderstoodError(f"Views lie more than {DEEPEST} deep in each other.")
    for scope in traverse_scope(query):
        for source in list(scope.sources.values()):
            if isinstance(source, exp.Table) and not source.name.startswith(
                _BASE
            ):  # met again in a scope inside
                _replace(source, find(_name(source, default)), find, expanded, depth)
    return query


def _replace(
    source: exp.Table, table: Table, find: Callable[[TableName], Table], expanded: Expanded, depth: int
) -> None:
    alias = exp.to_identifier(source.alias_or_name)
    if table.query is None:
        name = f"{_BASE}{len(expanded.bases)}"
        expanded.bases[name] = table
        source.set("this", exp.to_identifier(name))
        source.set("db", None)
        source.set("catalog", None)
        if not source.args.get("alias") and not source.args.get("pivots"):
            source.set("alias", exp.TableAlias(this=alias))
        return
    statements = parsed(table.query)
    if table.legacy or len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise NotUnderstoodError(f"The view {table.name} is no single query.")
    # Only the view's own project is known inside of a view: it must name the dataset of each of its tables.
    inside = _expand(statements[0], find, Dataset(table.name.project), expanded, depth + 1)
    source.replace(exp.Subquery(this=inside, alias=exp.TableAlias(this=alias)))


def _name(source: exp.Table, default: Dataset) -> TableName:
    dataset, project = source.db or default.dataset, source.catalog or default.project
    if not isinstance(source.this, exp.Identifier) or not dataset:
        raise NotUnderstoodError(f"{source.sql(dialect='bigquery')} is not the name of a table.")
    if "INFORMATION_SCHEMA" in source.name.upper() or source.name == "__TABLES__":
        raise NotUnderstoodError("The warehouse's own tables have no columns here.")
    return TableName(project, dataset, source.name)


def _schema(table: Table) -> dict[str, str]:
    return {column.name: _type(column) for column in table.columns}


def _type(column: Column) -> str:
    # Of a type only the shape matters: which fields a star stands for.
    inner = ", ".join(f"`{each.name}` {_type(each)}" for each in column.fields)
    kind = f"STRUCT<{inner}>" if inner else "STRING"
    return f"ARRAY<{kind}>" if column.repeated else kind


def _sources(scope: Scope, bases: Mapping[str, Table]) -> Iterator[tuple[Table, Read]]:
    for alias, source in scope.sources.items():
        if not isinstance(source, exp.Table) or source.name not in bases:
            continue
        table = bases[source.name]
        rows = any(each.name == alias for each in scope.find_all(exp.TableColumn))
        if rows or source.args.get("pivots"):
            yield table, whole(table)
            continue
        columns = frozenset(each.name.lower() for each in scope.columns if each.table == alias)
        yield table, Read(columns, _where(scope, alias, table))


def _where(scope: Scope, alias: str, table: Table) -> str | None:
    if table.partitioning is None:
        return None
    found = partitions.condition(scope.expression, alias, table.partitioning.column)
    return None if found is None else found.sql(dialect="bigquery")


def _refuse_strays(scope: Scope) -> None:
    query = scope.expression
    named = query.named_selects if isinstance(query, exp.Query) else ()
    for column in scope.columns:
        if not column.table and (column.name not in named or _is_selected(column, query)):
            raise NotUnderstoodError(f"Whose column {column.name} is can't be said.")


def _is_selected(column: exp.Column, query: exp.Expr) -> bool:
    """Whether it stands between SELECT and FROM, where no name is another's alias."""
    node: exp.Expr = column
    while node.parent is not None and node.parent is not query:
        node = node.parent
    return node.arg_key == "expressions"
