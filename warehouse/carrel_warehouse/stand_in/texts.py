"""The text of a query, refused unread: it is missing, empty or too long (cloud.google.com/bigquery/quotas)."""

import re

LONGEST = 1024 * 1024
_NOTHING = re.compile(r"(?:\s++|;|(?:--|#)[^\n]*+|/\*.*?\*/)*+", re.DOTALL)  # white space and comments


def problem(text: object) -> str | None:
    """Why a query of that text is refused; None if it is not."""
    if text is None:  # Google's client leaves an empty one out
        return "Required parameter is missing: query"
    if not isinstance(text, str):
        return None  # the emulator refuses what is no text
    if _NOTHING.fullmatch(text):
        return "Syntax error: Unexpected end of script. The query is empty."
    if len(text) <= LONGEST:
        return None
    return (
        f"The query is too large: {len(text)} characters. A query may have {LONGEST} (1,024K) at most, "
        "with comments and white space."
    )
