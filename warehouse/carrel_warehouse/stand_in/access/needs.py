"""Which tables a text reads and which it writes, so that nobody reaches one who may not. Pure.

A text is taken statement by statement. What our parser doesn't know (a script's loops, a policy's DDL) is searched for
names instead: what stands before the first word that writes is read, and the rest needs the right to write everything
it names. A statement that is made while it runs can't be known, and is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from carrel_warehouse.stand_in.metering.catalogue import Dataset, NotUnderstoodError, TableName
from carrel_warehouse.stand_in.metering.mentions import mentions
from carrel_warehouse.stand_in.metering.meter import LONGEST, Question
from carrel_warehouse.stand_in.metering.statements import parsed

METADATA = "INFORMATION_SCHEMA"
_READS = (exp.Query, exp.Set, exp.Declare, exp.Transaction, exp.Commit, exp.Rollback, exp.Export)
_WRITES = (exp.Create, exp.Insert, exp.Update, exp.Delete, exp.Merge)
_WRITES_ALL = (exp.Drop, exp.Alter, exp.TruncateTable, exp.LoadData)
_WRITING = frozenset(
    [
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "CREATE",
        "DROP",
        "ALTER",
        "TRUNCATE",
        "LOAD",
        "GRANT",
        "REVOKE",
        "UNDROP",
    ]
)
_WORD = re.compile(r"[\w-]+")
_AFTER_A_TEXT = frozenset({";", "INTO", "USING"})


@dataclass
class Needs:
    """`reads` and `writes` are tables that may be there or not; a name of "" is the dataset itself.

    `words` are those of statements that write nobody can say what: every dataset of such a name.
    `drops` and `makes` are datasets. `unknown` is True if nobody can say what the text does.
    """

    reads: set[TableName] = field(default_factory=set)
    writes: set[TableName] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    drops: set[TableName] = field(default_factory=set)
    makes: set[TableName] = field(default_factory=set)
    unknown: bool = False


class _Tokenizer(BigQuery.Tokenizer):
    COMMANDS = set()  # noqa: RUF012 sqlglot's own way; CALL and EXECUTE are read word by word


def needs(question: Question) -> Needs:
    """What the text needs."""
    found = Needs()
    _collect(question.sql, question.default, found)
    return found


def _collect(sql: str, default: Dataset, found: Needs) -> None:
    try:
        tokens = _Tokenizer().tokenize(sql)
    except SqlglotError:
        return  # the emulator has no other tokens: it runs nothing of this
    if len(sql) > LONGEST:
        _searched(sql, tokens, default, found)
        return
    for statement in _split(tokens):
        text = sql[statement[0].start : statement[-1].end + 1]
        if not _understood(text, default, found):
            _searched(text, _Tokenizer().tokenize(text), default, found)


def _split(tokens: list[Token]) -> Iterator[list[Token]]:
    statement: list[Token] = []
    for token in tokens:
        if token.token_type == TokenType.SEMICOLON:
            if statement:
                yield statement
            statement = []
        else:
            statement.append(token)
    if statement:
        yield statement


def _understood(text: str, default: Dataset, found: Needs) -> bool:
    try:
        statements = parsed(text)
    except NotUnderstoodError:
        return False
    if not all(_is_known(each) for each in statements):
        return False
    for statement in statements:
        _statement(statement, default, found)
    return True


def _is_known(statement: exp.Expr) -> bool:
    if not isinstance(statement, (*_READS, *_WRITES, *_WRITES_ALL)) or statement.find(exp.Command):
        return False
    return not isinstance(statement, _WRITES) or _target(statement) is not None


def _target(statement: exp.Expr) -> exp.Table | None:
    # DELETE without FROM has its table elsewhere.
    place = statement.this or next(iter(statement.args.get("tables") or ()), None)
    return place.find(exp.Table) if isinstance(place, exp.Expr) else None


def _statement(statement: exp.Expr, default: Dataset, found: Needs) -> None:
    tables = list(statement.find_all(exp.Table))
    written: list[exp.Table] = []
    if isinstance(statement, (exp.Create, exp.Drop)) and statement.args.get("kind") == "SCHEMA":
        schemas = {name for each in tables for name in _schema(each, default)}
        (found.makes if isinstance(statement, exp.Create) else found.drops).update(schemas)
        return
    if isinstance(statement, _WRITES_ALL):
        written = tables
    elif isinstance(statement, _WRITES):
        target = _target(statement)
        lasting = target is not None and (target.db or not statement.find(exp.TemporaryProperty))
        written = [target] if target is not None and lasting else []
        tables = [each for each in tables if each is not target]
    for table in written:
        found.writes |= _name(table, default)
    if not isinstance(statement, _WRITES_ALL):
        for table in tables:
            found.reads |= _name(table, default)


def _name(table: exp.Table, default: Dataset) -> set[TableName]:
    project, dataset = table.catalog or default.project, table.db or default.dataset
    if not dataset and not table.name.upper().startswith(METADATA):
        return set()
    return {TableName(project, dataset or "", table.name)}


def _schema(table: exp.Table, default: Dataset) -> set[TableName]:
    project, _, dataset = ".".join(filter(None, (table.catalog, table.db))).rpartition(".")
    return {TableName(project or default.project, dataset, "")}


def _searched(text: str, tokens: list[Token], default: Dataset, found: Needs) -> None:
    words = [
        "" if each.token_type in {TokenType.STRING, TokenType.IDENTIFIER} else each.text.upper()
        for each in tokens
    ]
    for index, word in enumerate(words[:-1]):
        if word == "EXECUTE" and words[index + 1] == "IMMEDIATE":
            _made_of_text(tokens[index + 2 : index + 4], default, found)
    writing = next((index for index, word in enumerate(words) if word in _WRITING), None)
    if writing is None:
        found.reads |= mentions(text, default)
        return
    before, after = text[: tokens[writing].start], text[tokens[writing].start :]
    found.reads |= mentions(before, default)
    if writing == 0 or not _understood(after, default, found):
        found.words.update(word.lower() for word in _WORD.findall(after))
        if default.dataset:
            found.writes.add(TableName(default.project, default.dataset, ""))


def _made_of_text(tokens: list[Token], default: Dataset, found: Needs) -> None:
    plain = tokens and tokens[0].token_type == TokenType.STRING
    if plain and (len(tokens) == 1 or tokens[1].text.upper() in _AFTER_A_TEXT):
        _collect(tokens[0].text, default, found)
    else:
        found.unknown = True
