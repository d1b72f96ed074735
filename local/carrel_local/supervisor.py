"""The first process of the node: it starts the daemons, starts again what dies, and takes leave in order."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .daemons import Daemon
from .node_network import ON_MACHINE

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 20.0
# A daemon that has lived this long is well: its next fall begins with the first pause again.
WELL_AFTER = 60.0
SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)


@dataclass
class Watched:
    """A daemon and how it fares; `pid` is 0 while it does not run."""

    daemon: Daemon
    pid: int = 0
    started: float = 0
    not_before: float = 0
    pause: float = FIRST_PAUSE

    def has_ended(self) -> bool:
        """Whether it does not run."""
        return not self.pid

    def fell(self, now: float) -> None:
        """It ended unasked: wait longer each time that happens soon after its start."""
        self.pid = 0
        if now - self.started > WELL_AFTER:
            self.pause = FIRST_PAUSE
        self.not_before = now + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE)


class Supervisor:
    """Keeps the daemons running until it is told to stop; it must be process 1 of its PID namespace."""

    def __init__(self, daemons: Sequence[Daemon], logs: Path) -> None:
        self._watched = [Watched(daemon) for daemon in daemons]
        self._logs = logs

    def run(self) -> None:
        """Return when every process of the namespace was given its time to end."""
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        while True:
            waiting = self._start_what_can()
            arrived = signal.sigtimedwait(SIGNALS, 0.05 if waiting else 3600)
            self._reap()
            if arrived is not None and arrived.si_signo in (signal.SIGTERM, signal.SIGINT):
                break
        self._stop()

    def _start_what_can(self) -> bool:
        """Start the daemons whose turn it is; whether any still waits."""
        now = time.monotonic()
        for watched in self._watched:
            if not watched.pid and now >= watched.not_before and listens(watched.daemon.waits_for):
                watched.pid = self._spawn(watched.daemon)
                watched.started = now
        return any(not watched.pid for watched in self._watched)

    def _spawn(self, daemon: Daemon) -> int:
        command = (*ON_MACHINE, *daemon.command) if daemon.on_machine else daemon.command
        log = str(self._logs / f"{daemon.name}.log")
        return os.posix_spawnp(
            command[0],
            command,
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
            setsigdef=SIGNALS,
        )

    def _reap(self) -> None:
        """Take note of every process that ended; orphans of the containers' keepers end up here as well."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, _ = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                for watched in self._watched:
                    if watched.pid == pid:
                        watched.fell(time.monotonic())

    def _stop(self) -> None:
        """The kubelet first, so that nothing is started again; then the pods; then the rest, the stores last."""
        self._end(watched for watched in self._watched if watched.daemon.name == "kubelet")
        self._end_pods()
        self._end(reversed(self._watched))

    def _end(self, leaving: Iterable[Watched]) -> None:
        for watched in leaving:
            if not watched.pid:
                continue
            os.kill(watched.pid, signal.SIGTERM)
            if not self._wait(watched.has_ended, watched.daemon.patience):
                os.kill(watched.pid, signal.SIGKILL)

    def _end_pods(self) -> None:
        """The containers' processes get ten seconds to write down what they hold."""
        pods = container_processes(Path("/proc"))
        for pid in pods:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pods), 10)

    def _wait(self, done: Callable[[], bool], patience: float) -> bool:
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            self._reap()
            if done():
                return True
            signal.sigtimedwait(SIGNALS, 0.05)
        return False


def container_processes(proc: Path) -> list[int]:
    """All processes in a PID namespace below the one of process 1."""
    own = (proc / "1" / "ns" / "pid").readlink()
    found = []
    for directory in proc.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if (directory / "ns" / "pid").readlink() != own:
                found.append(int(directory.name))
    return found


def listens(address: str) -> bool:
    """Whether something accepts at `host:port` or at the path of a socket; nothing to wait for counts as yes."""
    if not address:
        return True
    target: str | tuple[str, int]
    if address.startswith("/"):
        family, target = socket.AF_UNIX, address
    else:
        host, _, port = address.rpartition(":")
        family, target = socket.AF_INET, (host, int(port))
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(target)
        except OSError:
            return False
    return True
