"""Inside each kernel: which jobs of the warehouse were started and have not ended, although the kernel is idle again.

While there is any, a small file of the kernel's process says so in the runtime folder. BigQuery's client is watched
only once a person imports it, and nothing that goes wrong here reaches their query.
"""

import contextlib
import functools
import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from carrel_lab.guard.kernel import folder

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CLIENT = "google.cloud.bigquery.client"
_BEGIN_A_JOB = (
    "query",
    "create_job",
    "load_table_from_uri",
    "load_table_from_file",
    "load_table_from_json",
    "load_table_from_dataframe",
    "copy_table",
    "extract_table",
)
_DONE = "DONE"
_SECONDS_BETWEEN_LOOKS = 15.0
_LONGEST = 86_400.0  # BigQuery ends a query after 6 hours
_UNKNOWN = frozenset({403, 404})


def load_ipython_extension(_: "InteractiveShell") -> None:
    """Watch for the client; named by /opt/venv/etc/ipython/ipython_config.py."""
    watch(Jobs(note_file(os.getpid())))


def note_file(pid: int) -> Path:
    """It exists while the process waits for a job."""
    return folder() / f"carrel-queries-{pid}"


def watch(jobs: "Jobs") -> None:
    """Have every job noted that a client begins from now on."""
    if module := sys.modules.get(CLIENT):
        _wrap(module, jobs)
    else:
        sys.meta_path.insert(0, _Finder(jobs))


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


class _Finder(MetaPathFinder):
    """Lets the import system load the client as ever, and wraps it then."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Only for the client, and only once."""
        del path, target
        if fullname != CLIENT:
            return None
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec and spec.loader:
            spec.loader = _Wrapping(spec.loader, self._jobs)
        return spec


class _Wrapping(Loader):
    def __init__(self, loader: Loader, jobs: Jobs) -> None:
        self._loader, self._jobs = loader, jobs

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As it would be."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """As it would be, and then wrapped."""
        if module.__spec__:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        with contextlib.suppress(Exception):
            _wrap(module, self._jobs)


def _wrap(module: ModuleType, jobs: Jobs) -> None:
    for name in _BEGIN_A_JOB:
        if method := getattr(module.Client, name, None):
            setattr(module.Client, name, _noted(method, jobs))


def _noted(method: Callable[..., Any], jobs: Jobs) -> Callable[..., Any]:
    @functools.wraps(method)
    def begin(client: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        job = method(client, *arguments, **options)
        with contextlib.suppress(Exception):
            jobs.begun(client, job)
        return job

    return begin
