"""kopf's memory of each object, switched off: nothing is compared with what was handled before, nothing is stored.

By default kopf copies every object of every event several times to find out what changed; Carrel never asks.
Measured with ten notebooks made at once, that was a third of the operator's time.
"""

import kopf


class NoDiff(kopf.DiffBaseStorage):
    """Remembers no last-handled state, so that there is nothing to compare and no annotation to write."""

    def build(self, **_: object) -> kopf.BodyEssence:
        """Nothing of an object is essential."""
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> None:
        """Nothing was handled before."""

    def store(self, **_: object) -> None:
        """Keep nothing."""


class NoProgress(kopf.ProgressStorage):
    """Remembers no handler's progress: our handlers only wake a queue that has its own."""

    def fetch(self, **_: object) -> None:
        """No progress was made before."""

    def store(self, **_: object) -> None:
        """Keep nothing."""

    def purge(self, **_: object) -> None:
        """There is nothing to remove."""

    def touch(self, **_: object) -> None:
        """There is nothing to refresh."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """There is nothing to leave out."""
        return essence
