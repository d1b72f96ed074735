"""What BigQuery's dialect has and the emulator's doesn't, rewritten; everything else in a text stays as it is."""

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token

_BEGIN = ("SET", "(", None, ")", "=", "(", "SELECT", "AS", "STRUCT")


def translated(sql: str) -> str:
    """The text for the emulator: `SET (v) = (SELECT AS STRUCT x)` becomes `SET v = (SELECT x)`."""
    if "STRUCT" not in sql.upper():
        return sql
    try:
        tokens = sqlglot.tokenize(sql, dialect="bigquery")
    except SqlglotError:
        return sql  # the emulator says what is wrong
    cuts = [cut for start in range(len(tokens)) if _matches(tokens[start:]) for cut in _cuts(tokens[start:])]
    pieces, end = [], 0
    for first, last in cuts:
        pieces.append(sql[end:first])
        end = last
    return "".join([*pieces, sql[end:]])


def _matches(tokens: list[Token]) -> bool:
    found = tokens[: len(_BEGIN)]
    return len(found) == len(_BEGIN) and all(
        wanted in {None, token.text.upper()} for token, wanted in zip(found, _BEGIN, strict=True)
    )


def _cuts(tokens: list[Token]) -> list[tuple[int, int]]:
    opening, closing, struct = tokens[1], tokens[3], tokens[8]
    first = tokens[7]  # AS
    return [(opening.start, opening.end + 1), (closing.start, closing.end + 1), (first.start, struct.end + 1)]
