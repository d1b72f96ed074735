"""The labels by which a job of the warehouse says whose it is."""

import hashlib
import re

PERSON, PROJECT, NOTEBOOK = "carrel_person", "carrel_project", "carrel_notebook"
CELL, DOCUMENT = "carrel_cell", "carrel_document"  # set by the kernel, which alone knows them

# https://cloud.google.com/bigquery/docs/labels-intro#requirements, without the letters beyond ASCII
_LONGEST = 63
_UNFIT = re.compile(r"[^a-z0-9_-]")
_DIGITS = 8


def value(text: str) -> str:
    """A label's value for any text: itself where that is allowed, else like it and no other text's."""
    fit = _UNFIT.sub("-", text.lower())
    if fit == text and len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
    return f"{fit[: _LONGEST - _DIGITS - 1]}-{digest}"
