"""The starter notebook is put into a home once in its life, and never over anything."""

import contextlib
import os
from pathlib import Path

NAME = "welcome.ipynb"
MARK = Path(".local/share/carrel/welcomed")


def place(source: Path, home: Path) -> str | None:
    """Copy `source` into `home` unless that was done before; the reason when it can't be.

    The mark outlives the notebook, so a person who deletes it doesn't find it again.
    """
    mark = home / MARK
    # Every server of a person shares the home, so two may be here at once: each brings a whole file of its own.
    draft = home / f".{NAME}.{os.uname().nodename}.{os.getpid()}"
    try:
        if mark.exists():
            return None
        draft.write_bytes(source.read_bytes())
        with contextlib.suppress(FileExistsError):
            (home / NAME).hardlink_to(draft)  # unlike a rename, this refuses to replace a file
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        return error.strerror or str(error)
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
    return None
