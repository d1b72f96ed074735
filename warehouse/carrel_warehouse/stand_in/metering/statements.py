"""From a text to the queries in it that read something, a changing statement rewritten as the query that reads as much.

https://cloud.google.com/bigquery/pricing#dml-non-partitioned-tables: INSERT pays for what its query reads; UPDATE,
DELETE and a MERGE that does either pay for all columns of the changed table too.
"""

import sqlglot
from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from carrel_warehouse.stand_in.metering.catalogue import NotUnderstoodError

READS_NOTHING = (exp.Drop, exp.Alter, exp.TruncateTable, exp.Transaction, exp.Commit, exp.Rollback)
_TABLES = ("TABLE", None)


def parsed(sql: str) -> list[exp.Expr]:
    """The statements of a text.

    Raises:
        NotUnderstoodError: the text has something that our parser doesn't know, or is wrong.
    """
    try:
        return [each for each in sqlglot.parse(_named(sql), dialect="bigquery") if each is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        raise NotUnderstoodError(str(error)) from error


def placeholder(position: int) -> str:
    """The name that a positional parameter gets; `?` could not be pasted into another query."""
    return f"carrel_{position}"


def reading(statement: exp.Expr) -> exp.Query | None:
    """The query that reads what the statement reads; None if it reads nothing.

    Raises:
        NotUnderstoodError: what it reads can't be said.
    """
    not_a_table = isinstance(statement, exp.Create) and statement.args.get("kind") not in _TABLES
    if isinstance(statement, READS_NOTHING) or not_a_table:
        return None
    if isinstance(statement, exp.Query):
        return statement
    if isinstance(statement, (exp.Create, exp.Insert)):
        return _inside(statement.expression)
    if isinstance(statement, exp.Export):
        return _inside(statement.this)
    if isinstance(statement, (exp.Update, exp.Delete)):
        return _changed(statement)
    if isinstance(statement, exp.Merge):
        return _merge(statement)
    raise NotUnderstoodError(f"A {type(statement).__name__} is not understood.")


def target(statement: exp.Expr) -> exp.Table | None:
    """The table whose rows the statement writes, if it does."""
    filled = isinstance(statement, exp.Create) and isinstance(statement.expression, exp.Query)
    table = filled and statement.args.get("kind") in _TABLES and not statement.find(exp.TemporaryProperty)
    if not table and not isinstance(statement, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
        return None
    found = statement.this.this if isinstance(statement.this, exp.Schema) else statement.this
    return found if isinstance(found, exp.Table) else None


def is_query(statement: exp.Expr) -> bool:
    """Whether the statement is a plain query, which changes nothing."""
    return isinstance(statement, exp.Query)


def _named(sql: str) -> str:
    pieces, end, position = [], 0, 0
    for token in sqlglot.tokenize(sql, dialect="bigquery") if "?" in sql else ():
        if token.token_type == TokenType.PLACEHOLDER:
            pieces += [sql[end : token.start], f"@{placeholder(position)}"]
            end, position = token.end + 1, position + 1
    return "".join([*pieces, sql[end:]])


def _inside(expression: exp.Expr | None) -> exp.Query | None:
    if isinstance(expression, exp.Query):
        return expression
    if expression is not None and expression.find(exp.Query):
        raise NotUnderstoodError("A query is hidden where none is looked for.")
    return None


def _changed(statement: exp.Update | exp.Delete) -> exp.Query:
    table, values = statement.this, [each.expression.copy() for each in statement.expressions]
    query = exp.select(_every_column(table), *values).from_(table.copy())
    if source := statement.args.get("from_"):
        query = query.join(source.this.copy(), join_type="cross")
    if where := statement.args.get("where"):
        query = query.where(where.this.copy())
    return query


def _merge(statement: exp.Merge) -> exp.Query:
    source = statement.args["using"]
    whens = statement.args["whens"].expressions
    values: list[exp.Expr] = []
    for when in whens:
        values += _values(when.args["then"], source.alias_or_name)
        if condition := when.args.get("condition"):
            values.append(condition)
    inserts_only = all(isinstance(when.args["then"], exp.Insert) for when in whens)
    wanted = [*values, exp.Literal.number(1)] if inserts_only else [_every_column(statement.this), *values]
    query = exp.select(*(each.copy() for each in wanted)).from_(statement.this.copy())
    return query.join(source.copy(), on=statement.args["on"].copy())


def _values(then: exp.Expr, source: str) -> list[exp.Expr]:
    if isinstance(then, exp.Update):
        return [each.expression for each in then.expressions]
    if not isinstance(then, exp.Insert):
        return []
    if not isinstance(then.expression, exp.Tuple):  # INSERT ROW
        return [exp.column(exp.Star(), table=source)]
    values = [each.copy() for each in then.expression.expressions]
    for value in values:
        for column in value.find_all(exp.Column):
            if not column.table:  # here a bare name is the source's, though the target may have it too
                column.set("table", exp.to_identifier(source))
    return values


def _every_column(table: exp.Expr) -> exp.Expr:
    return exp.column(exp.Star(), table=table.alias_or_name)
