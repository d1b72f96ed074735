"""What was known last, for the server that comes after one that was killed without a word.

It lies in the pod's own /tmp, which outlives the container but not the pod, and is never full because of the home.
"""

import contextlib
import json
from dataclasses import asdict
from pathlib import Path

from carrel_lab.guard.notices import Culprit, Kill, now, size

# Below this share of the limit it was not for lack of memory.
_SUSPICIOUS = 0.85


class Evidence:
    """One small file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def keep(self, used: int, limit: int, culprit: Culprit) -> None:
        """Note how things stand; a server works without that too."""
        if used < limit * _SUSPICIOUS:
            self.clear()
            return
        content = json.dumps({"at": now(), "used": used, "limit": limit, "culprit": asdict(culprit)})
        with contextlib.suppress(OSError):
            fresh = self._file.with_suffix(".new")
            fresh.write_text(content)
            fresh.replace(self._file)

    def clear(self) -> None:
        """There is nothing to remember."""
        with contextlib.suppress(OSError):
            self._file.unlink(missing_ok=True)

    def found(self) -> Kill | None:
        """What ended the server before this one, if it was memory."""
        try:
            kept = json.loads(self._file.read_text())
            used, limit, at, culprit = kept["used"], kept["limit"], kept["at"], Culprit(**kept["culprit"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        message = (
            f"The whole server was stopped from outside when {size(used)} of {size(limit)} of memory were in use"
            f" and {culprit.place} was running last. Files are kept, variables are lost: "
            "choose a larger size before you run it again."
        )
        return Kill("ServerKilled", message, culprit, used, limit, at)
