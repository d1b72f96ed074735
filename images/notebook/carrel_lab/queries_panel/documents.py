"""Which notebook a job's label means. A label holds a path only in part, so it is looked up among the notebooks there are."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from carrel_lab.queries import labels

# A large home on a slow disk must not keep the panel waiting; what lies deeper is opened by hand.
_SECONDS_OF_LOOKING = 1.0
_SECONDS_BETWEEN_LOOKS = 30.0


class Documents:
    """The notebooks below the folder that JupyterLab shows, by their labels; safe in any thread."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root, self._clock = root, clock
        self._known: dict[str, str] = {}
        self._look_again = 0.0
        self._lock = threading.Lock()

    def paths(self, values: Iterable[str]) -> dict[str, str]:
        """The path, as JupyterLab has it, of each label whose notebook is still there."""
        wanted = set(values)
        with self._lock:
            here = {each for each in wanted if each in self._known and self._exists(self._known[each])}
            if here != wanted and self._clock() >= self._look_again:
                self._known = self._look()
                self._look_again = self._clock() + _SECONDS_BETWEEN_LOOKS
                here = wanted & self._known.keys()
            return {each: self._known[each] for each in here}

    def _exists(self, path: str) -> bool:
        return (self._root / path).is_file()

    def _look(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for path in self._notebooks():
            found.setdefault(labels.document(path), path)
        return found

    def _notebooks(self) -> Iterator[str]:
        end = self._clock() + _SECONDS_OF_LOOKING
        # Links are followed, because a project's files are one; a link that leads back up is entered no second time.
        seen: set[tuple[int, int]] = set()
        for folder, inner, files in os.walk(self._root, followlinks=True):
            inner[:] = sorted(
                name for name in inner if not name.startswith(".") and _is_new(folder, name, seen)
            )
            for name in sorted(files):
                if name.endswith(".ipynb"):
                    yield os.path.relpath(Path(folder) / name, self._root)
            if self._clock() > end:
                return


def _is_new(folder: str, name: str, seen: set[tuple[int, int]]) -> bool:
    try:
        found = (Path(folder) / name).stat()
    except OSError:
        return False
    place = (found.st_dev, found.st_ino)
    if place in seen:
        return False
    seen.add(place)
    return True
