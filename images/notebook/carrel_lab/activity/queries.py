"""Inside each kernel: which jobs of the warehouse were started and have not ended, although the kernel is idle again.

While there is any, a small file of the kernel's process says so in the runtime folder. ``carrel_lab.queries.client``
tells of each job that begins, and nothing that goes wrong here reaches it.
"""

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import Any

from carrel_lab.guard.kernel import folder

_DONE = "DONE"
_SECONDS_BETWEEN_LOOKS = 15.0
_LONGEST = 86_400.0  # BigQuery ends a query after 6 hours
_UNKNOWN = frozenset({403, 404})


def note_file(pid: int) -> Path:
    """It exists while the process waits for a job."""
    return folder() / f"carrel-queries-{pid}"


class Jobs:
    """The jobs that have not ended, looked after by a thread that lives as long as there is any."""

    def __init__(self, note: Path, pause: float = _SECONDS_BETWEEN_LOOKS) -> None:
        self._note, self._pause, self._pid = note, pause, os.getpid()
        self._open: dict[str, tuple[Any, Any, float]] = {}
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    def begun(self, client: Any, job: Any) -> None:  # noqa: ANN401 - BigQuery's own, not imported here
        """A client has begun a job."""
        if os.getpid() != self._pid or getattr(job, "state", _DONE) == _DONE:
            return
        with self._lock:
            self._open[job.job_id] = (client, job, time.monotonic())
            self._tell()
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._look_after, name="carrel queries", daemon=True)
                self._watcher.start()

    def _look_after(self) -> None:
        while True:
            time.sleep(self._pause)
            ended = [name for name, job in list(self._open.items()) if _has_ended(*job)]
            with self._lock:
                for name in ended:
                    self._open.pop(name, None)
                self._tell()
                if not self._open:
                    self._watcher = None
                    return

    def _tell(self) -> None:
        with contextlib.suppress(OSError):
            if self._open:
                self._note.touch()
            else:
                self._note.unlink(missing_ok=True)


def _has_ended(client: Any, job: Any, begun: float) -> bool:  # noqa: ANN401
    """By what the person's own code has seen of it, else by asking, on a copy that nobody else holds."""
    if job.state == _DONE or time.monotonic() - begun > _LONGEST:
        return True
    try:
        seen = client.get_job(job.job_id, project=job.project, location=job.location, timeout=10.0)
    except Exception as error:  # noqa: BLE001 - of any library below it
        return getattr(error, "code", None) in _UNKNOWN
    return bool(seen.state == _DONE)
