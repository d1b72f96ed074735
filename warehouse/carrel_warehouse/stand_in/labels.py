"""The labels that BigQuery takes (cloud.google.com/bigquery/docs/labels-intro, "Requirements for labels")."""

import unicodedata
from collections.abc import Mapping

_MOST = 64
_LONGEST = 63
_LETTERS = {"Ll", "Lo"}  # lower case, and of scripts that have no case
_RULE = f"lower-case letters, digits, '_' and '-', at most {_LONGEST}"


def problem(labels: object) -> str | None:
    """The sentence for labels that are refused; None for good ones and for none."""
    if labels is None:
        return None
    if not isinstance(labels, Mapping):
        return f"Labels are pairs of a key and a value, not {type(labels).__name__}."
    if len(labels) > _MOST:
        return f"A job may have {_MOST} labels at most, not {len(labels)}."
    for key, value in labels.items():
        if not _is_plain(key) or unicodedata.category(key[0]) not in _LETTERS:
            return f"The label key {key!r} is not allowed: it takes {_RULE}, and begins with a letter."
        if value and not _is_plain(value):
            return f"The value {value!r} of the label '{key}' is not allowed: it takes {_RULE}."
    return None


def _is_plain(text: object) -> bool:
    if not isinstance(text, str) or not 0 < len(text) <= _LONGEST:
        return False
    return all(each in "_-" or unicodedata.category(each) in _LETTERS | {"Nd"} for each in text)
