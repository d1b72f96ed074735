"""What BigQuery's dialect has and the emulator's doesn't, rewritten; everything else in a text stays as it is."""

import re
from collections.abc import Iterator

import sqlglot
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

_BEGIN = ("SET", "(", None, ")", "=", "(", "SELECT", "AS", "STRUCT")
_WORD = re.compile(r"[A-Za-z_]\w*|`[^`]+`")
_VALUES = {TokenType.NULL, TokenType.TRUE, TokenType.FALSE}

Change = tuple[int, int, str]  # from, to, what stands there instead


def translated(sql: str) -> str:
    """The text for the emulator.

    `SET (v) = (SELECT AS STRUCT x)` becomes `SET v = (SELECT x)`, and `STRUCT(t.a)` becomes `STRUCT(t.a AS a)`.
    """
    if "STRUCT" not in sql.upper():
        return sql
    try:
        tokens = sqlglot.tokenize(sql, dialect="bigquery")
    except SqlglotError:
        return sql  # the emulator says what is wrong
    changes = [
        change for start in range(len(tokens)) if _matches(tokens[start:]) for change in _cuts(tokens[start:])
    ]
    changes += [change for start in range(len(tokens)) for change in _names(sql, tokens, start)]
    pieces, end = [], 0
    for first, last, instead in sorted(changes):
        pieces += [sql[end:first], instead]
        end = last
    return "".join([*pieces, sql[end:]])


def _matches(tokens: list[Token]) -> bool:
    found = tokens[: len(_BEGIN)]
    return len(found) == len(_BEGIN) and all(
        wanted in {None, token.text.upper()} for token, wanted in zip(found, _BEGIN, strict=True)
    )


def _cuts(tokens: list[Token]) -> list[Change]:
    opening, closing, struct = tokens[1], tokens[3], tokens[8]
    first = tokens[7]  # AS
    return [
        (opening.start, opening.end + 1, ""),
        (closing.start, closing.end + 1, ""),
        (first.start, struct.end + 1, ""),
    ]


def _names(sql: str, tokens: list[Token], start: int) -> Iterator[Change]:
    """The name of each column that stands alone in a `STRUCT(...)` beginning there."""
    if [token.text.upper() for token in tokens[start : start + 2]] != ["STRUCT", "("]:
        return
    depth, value = 1, list[Token]()
    for token in tokens[start + 2 :]:
        mark = sql[token.start : token.end + 1]  # a text's own token.text may look like one
        depth += (mark in {"(", "["}) - (mark in {")", "]"})
        if depth == 0 or (depth == 1 and mark == ","):
            if _is_column(sql, value):
                last = value[-1]
                yield last.end + 1, last.end + 1, f" AS {sql[last.start : last.end + 1]}"
            value = []
        else:
            value.append(token)
        if depth == 0:
            return


def _is_column(sql: str, tokens: list[Token]) -> bool:
    words, dots = tokens[::2], tokens[1::2]
    return (
        len(tokens) % 2 == 1
        and all(_WORD.fullmatch(sql[each.start : each.end + 1]) for each in words)
        and words[-1].token_type not in _VALUES
        and all(each.text == "." for each in dots)
    )
