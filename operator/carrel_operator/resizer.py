"""Asks Kubernetes to resize running pods: a person's own wish at once, an admin's change for many one after the other."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from carrel_operator.api import Reason
from carrel_operator.cache import Cache
from carrel_operator.catalogue import Refusal
from carrel_operator.cluster import Cluster
from carrel_operator.cluster_errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from carrel_operator.desired import Resize
from carrel_operator.places import Key
from carrel_operator.resize_verdict import kubernetes_refusal
from carrel_operator.seen import CONTAINER, Seen

logger = logging.getLogger("carrel")


class Turns:
    """Slots at a steady rate, each given to one key; a key that asks again before its slot keeps it."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._interval = 1.0 / per_second
        self._clock = clock
        self._next = clock()
        self._slots: dict[Key, float] = {}

    def wait(self, key: Key) -> float:
        """Seconds until it is the key's turn; 0 when it is now, which uses the turn up."""
        now = self._clock()
        if key not in self._slots:
            self._slots[key] = max(now, self._next)
            self._next = self._slots[key] + self._interval
        if self._slots[key] > now:
            return self._slots[key] - now
        del self._slots[key]
        return 0.0

    def give_up(self, key: Key) -> None:
        """The key needs no turn any more."""
        self._slots.pop(key, None)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Kubernetes' no to one question, which is not asked twice if it is final."""

    pod: str
    resources: Mapping[str, Any]
    refusal: Refusal

    @property
    def final(self) -> bool:
        """A quota has room again when others stop, and no watch tells of that."""
        return self.refusal.reason is not Reason.QUOTA_EXCEEDED


class Resizer:
    """Keeps what may not be read from the objects themselves: whose turn it is, and what Kubernetes said no to."""

    def __init__(self, cluster: Cluster, cache: Cache, per_second: float) -> None:
        self._cluster = cluster
        self._cache = cache
        self._turns = Turns(per_second)
        self._answers: dict[Key, _Answer] = {}

    async def resize(self, key: Key, seen: Seen, wanted: Resize | None) -> float | None:
        """Ask for the resize unless it was refused before; the result is the seconds until its turn, if it has to wait.

        Raises:
            ClusterError: Kubernetes can't answer now.
        """
        pod = seen.current_pod
        if wanted is None or pod is None:
            self.forget(key)
            return None
        answer = self._answers.get(key)
        if answer and answer.final and (answer.pod, answer.resources) == (pod.uid, wanted.resources):
            return None
        if wanted.takes_turns and (wait := self._turns.wait(key)):
            return wait
        self.forget(key)
        logger.info("%s: resizes its pod to size '%s'", key, seen.notebook.instance_type)
        try:
            self._cache.see(await self._cluster.resize(pod.body, CONTAINER, wanted.resources), ours=True)
        except (ConflictError, NotFoundError):
            return None  # the pod is another one by now, and its watch wakes us
        except (ForbiddenError, InvalidError) as error:
            self._answers[key] = _Answer(
                pod.uid, wanted.resources, kubernetes_refusal(error.message, pod.node)
            )
        return None

    def refusal(self, key: Key) -> Refusal | None:
        """What Kubernetes said no to, for as long as that is what is wanted."""
        answer = self._answers.get(key)
        return answer.refusal if answer else None

    def passing_refusal(self, key: Key) -> Refusal | None:
        """The refusal, if it is worth asking again later."""
        answer = self._answers.get(key)
        return answer.refusal if answer and not answer.final else None

    def forget(self, key: Key) -> None:
        """Nothing is wanted any more."""
        self._answers.pop(key, None)
        self._turns.give_up(key)
