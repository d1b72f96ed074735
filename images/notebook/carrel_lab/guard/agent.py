"""The guard itself: a thread of the server that samples memory, does what the ladder says, and tells about it.

A thread of its own, because a busy event loop must not make it blind.
"""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from carrel_lab.guard import kernel as inside
from carrel_lab.guard import processes
from carrel_lab.guard.cgroup import Cgroup, Memory
from carrel_lab.guard.evidence import Evidence
from carrel_lab.guard.growth import Growth
from carrel_lab.guard.ladder import Action, Ladder, Sample, Step
from carrel_lab.guard.notices import Culprit, Kill, Kind, Notices, now, size
from carrel_lab.guard.reporter import Reporter

log = logging.getLogger(__name__)

# From here on it matters which kernel holds how much.
_NEAR = 0.5
_SECONDS_BETWEEN_LOOKS_AT_PROCESSES = 5.0
_SECONDS_BETWEEN_NOTES = 1.0
# While less than this comes or goes, one quick read stands for a whole look.
_STIR = 2**20
_SECONDS_BETWEEN_LOOKS_AT_CALM, _CALM_WAIT = 1.0, 0.06  # waking up is what costs: 0.2 ms
_SECONDS_UNTIL_A_VICTIM_HAS_ENDED = 3.0


@dataclass(frozen=True)
class Voices:
    """To whom the agent speaks."""

    notices: Notices
    reporter: Reporter
    growth: Growth
    evidence: Evidence


class Agent(threading.Thread):
    """Watches over the kernels, by id and the number of their process."""

    def __init__(self, cgroup: Cgroup, kernels: Callable[[], Mapping[str, int]], voices: Voices) -> None:
        super().__init__(name="memory guard", daemon=True)
        self._cgroup, self._kernels, self._voices = cgroup, kernels, voices
        self._ladder = Ladder()
        self._ended = threading.Event()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="memory guard")
        self._seen: Memory | None = None
        self._looked = self._noted = self._sampled = 0.0
        self._counted = 0
        self._unexplained_since: float | None = None
        self._killed: set[int] = set()  # the processes whose end was told last
        self._trees: dict[str, list[int]] = {}
        self._culprits: dict[str, Culprit] = {}
        self.peak = 0
        self.last_kill: Kill | None = None

    def run(self) -> None:
        """Look and act until told to stop."""
        try:
            self._cgroup.read()
        except OSError as error:
            log.warning("The memory guard can't see the memory: %s", error)
            return
        self._tell_of_the_server_before()
        wait = 0.0
        while not self._ended.is_set():
            time.sleep(wait)  # waiting for the event instead costs twice the CPU
            try:
                wait = max(wait, _CALM_WAIT) if self._is_calm() else self._turn()
            except Exception:  # whatever it was, a guard that is gone without a word would be worse
                log.exception("The memory guard failed, and goes on.")
                wait = 1.0

    def stop(self) -> None:
        """The server ends as it was asked to."""
        self._ended.set()
        self._voices.evidence.clear()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def memory(self) -> dict[str, int]:
        """Bytes in use, the limit (0: none), and the most that was seen in use."""
        found = self._cgroup.read()
        return {"used": found.used, "limit": found.limit or 0, "peak": max(self.peak, found.used)}

    def kernels(self) -> list[dict[str, object]]:
        """Every kernel with its document and bytes, those of its child processes too."""
        return [
            {
                "id": each,
                "notebook": self._culprit(each, pid).notebook or None,
                "memory": sum(map(processes.resident, processes.descendants(pid))),
            }
            for each, pid in self._kernels().items()
        ]

    def _is_calm(self) -> bool:
        """Whether there is nothing to see that was not seen a moment ago."""
        waits = self._ladder.waits or self._unexplained_since is not None
        if waits or time.monotonic() - self._sampled >= _SECONDS_BETWEEN_LOOKS_AT_CALM:
            return False
        return abs(self._cgroup.counted() - self._counted) < _STIR

    def _turn(self) -> float:
        self._sampled, self._counted = time.monotonic(), self._cgroup.counted()
        memory = self._cgroup.read()
        before, self._seen = self._seen, memory
        self.peak = max(self.peak, memory.used)
        at = time.monotonic()
        kernels = dict(self._kernels())
        if before and memory.oom_kills > before.oom_kills:
            self._unexplained_since = at
        if self._unexplained_since is not None:
            self._explain(memory.limit or 0, at - self._unexplained_since)
        self._look_at_processes(kernels, at)
        self._voices.reporter.maybe(at, self.peak, memory.limit or 0)
        if memory.limit is None:
            return 1.0
        if before and before.limit and before.limit != memory.limit:
            self._new_limit(before.limit, memory.limit)
        near = memory.used > memory.limit * _NEAR
        sample = Sample(at, memory.used, memory.limit, self._held(kernels) if near else {})
        for action in self._ladder.take(sample):
            self._act(action, sample)
        self._note(sample)
        return self._ladder.interval(sample)

    def _held(self, kernels: Mapping[str, int]) -> dict[str, int]:
        return {
            each: sum(map(processes.resident, self._trees.get(each, [pid]))) for each, pid in kernels.items()
        }

    def _look_at_processes(self, kernels: Mapping[str, int], at: float) -> None:
        lately = at - self._looked < _SECONDS_BETWEEN_LOOKS_AT_PROCESSES
        if self._unexplained_since is not None or (lately and kernels.keys() == self._trees.keys()):
            return
        self._looked = at
        self._trees = {each: processes.descendants(pid) for each, pid in kernels.items()}
        for each, pid in kernels.items():
            self._culprits[each] = self._culprit(each, pid)
        others = [pid for pid in processes.descendants(os.getpid()) if pid != os.getpid()]
        processes.offer_first(others)

    def _culprit(self, kernel: str, pid: int) -> Culprit:
        cell = ""
        with contextlib.suppress(OSError):
            cell = inside.cell_file(pid).read_text()
        document = processes.variable(pid, "JPY_SESSION_NAME").removeprefix(f"{Path.home()}/")
        # one that was just killed has no environment left
        known = self._culprits.get(kernel, Culprit())
        return Culprit(kernel, document or known.notebook, cell)

    def _act(self, action: Action, sample: Sample) -> None:
        log.info("memory guard: %s %s at %s of %s", action.step, action.kernel, sample.used, sample.limit)
        pid = self._kernels().get(action.kernel, 0)
        match action.step:
            case Step.WARN:
                message = f"{size(sample.used)} of {size(sample.limit)} of memory are in use. Free some, or choose a larger size."
                self._voices.notices.say(Kind.WARNING, message)
            case Step.GROW:
                self._worker.submit(self._grow, sample.limit)
            case Step.PAUSE:
                processes.send(processes.descendants(pid), signal.SIGSTOP)
            case Step.RESUME:
                processes.send(processes.descendants(pid)[::-1], signal.SIGCONT)
            case Step.INTERRUPT:
                self._interrupt(self._culprit(action.kernel, pid), pid, sample)
            case Step.KILL:
                self._kill(self._culprit(action.kernel, pid), pid, sample)

    def _grow(self, limit: int) -> None:
        """In another thread: the hub takes its time, and memory does not wait."""
        if not self._voices.growth.grow(limit):
            self._ladder.growth_refused()

    def _new_limit(self, before: int, limit: int) -> None:
        if limit > before:
            message = f"The server has {size(limit)} of memory now. Nothing was interrupted."
            self._voices.notices.say(Kind.GROWN, message)

    def _interrupt(self, culprit: Culprit, pid: int, sample: Sample) -> None:
        message = (
            f"{culprit.place.capitalize()} was stopped before it used up the server's memory: "
            f"{size(sample.used)} of {size(sample.limit)} were in use. Variables are kept. "
            "Free some memory, work on a part of the data, or choose a larger size."
        )
        knows_our_signal = inside.cell_file(pid).exists()
        if knows_our_signal:
            with contextlib.suppress(OSError):
                inside.message_file(pid).write_text(message)
        processes.send([pid], inside.SIGNAL if knows_our_signal else signal.SIGINT)
        self._ended_badly(Kind.INTERRUPTED, "Interrupted", message, culprit, sample.limit)

    def _kill(self, culprit: Culprit, pid: int, sample: Sample) -> None:
        self._killed = set(processes.descendants(pid))
        processes.send(list(self._killed), signal.SIGKILL)
        self._ended_badly(
            Kind.KILLED, "KernelKilled", _killed(culprit, self.peak, sample.limit), culprit, sample.limit
        )

    def _explain(self, limit: int, seconds: float) -> None:
        """The kernel's own OOM killer was quicker, and Kubernetes will not tell; its victim takes a moment to end."""
        ended = [(each, pids) for each, pids in self._trees.items() if not all(map(processes.exists, pids))]
        if not ended and seconds < _SECONDS_UNTIL_A_VICTIM_HAS_ENDED:
            return
        self._unexplained_since = None
        kernel, pids = ended[0] if ended else ("", [])
        if self._killed.isdisjoint(pids) and (pids or not self._killed):
            culprit = self._culprits.get(kernel, Culprit())
            self._killed.update(pids)
            message = _killed(culprit, self.peak, limit)
            self._ended_badly(Kind.KILLED, "KernelKilled", message, culprit, limit)

    def _ended_badly(self, kind: Kind, action: str, message: str, culprit: Culprit, limit: int) -> None:
        self.last_kill = Kill(action, message, culprit, self.peak, limit, now())
        self._voices.notices.say(kind, message, peak=self.peak, limit=limit, **culprit.body())
        self._voices.reporter.kill(self.last_kill)

    def _tell_of_the_server_before(self) -> None:
        if kill := self._voices.evidence.found():
            self.last_kill = kill
            self._voices.notices.say(
                Kind.KILLED, kill.message, peak=kill.peak, limit=kill.limit, **kill.culprit.body()
            )
            self._voices.reporter.kill(kill)
            self._voices.evidence.clear()

    def _note(self, sample: Sample) -> None:
        if sample.at - self._noted < _SECONDS_BETWEEN_NOTES:
            return
        self._noted = sample.at
        largest = max(sample.kernels, key=sample.kernels.__getitem__, default="")
        self._voices.evidence.keep(sample.used, sample.limit, self._culprits.get(largest, Culprit()))


def _killed(culprit: Culprit, peak: int, limit: int) -> str:
    whose = f" of {culprit.notebook}" if culprit.notebook else ""
    number = culprit.cell.partition(" ")[0]
    cell = f"cell {number}" if number else "a program"
    return (
        f"The kernel{whose} was stopped, because {cell} used up the memory (peak {size(peak)} of {size(limit)}). "
        "Its variables are lost, other kernels go on: choose a larger size before you run it again."
    )
