"""Two commands must not change one instance at the same time; the kernel forgets the lock when its holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from .instance import CACHE
from .problem import Problem

LOCKS = CACHE / "locks"


@contextmanager
def held(name: str, refusal: str = "") -> Iterator[None]:
    """Hold the lock of that name for the block; wait for it, or give up with the refusal if there is one.

    Raises:
        Problem: somebody else holds it, and there is a refusal to say.
    """
    LOCKS.mkdir(parents=True, exist_ok=True)
    with (LOCKS / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (fcntl.LOCK_NB if refusal else 0))
        except BlockingIOError as error:
            raise Problem(refusal) from error
        yield
