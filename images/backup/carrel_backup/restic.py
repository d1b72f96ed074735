"""Calls restic, and puts its complaints into sentences. It finds repository and password in the environment."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from carrel_backup.source import Answer, Snapshot, TaskError

NO_REPOSITORY, LOCKED = 10, 11  # exit codes, as of restic 0.17
_INCOMPLETE = 3
_WRONG_PASSWORD = 12


@dataclass
class ResticError(TaskError):
    """restic ended with an error."""

    code: int
    said: str

    def __str__(self) -> str:
        if "no space left on device" in self.said:
            return "The volume for backups is full. Ask an administrator to enlarge it, or to keep fewer backups."
        if "snapshot is empty" in self.said:
            return "There is no file in it, or none that could be read."
        if self.code == _WRONG_PASSWORD:
            return "The backups were made with another password than the one in the Secret. Ask an administrator."
        return f"restic says: {self.said or f'exit code {self.code}'}"


class Restic:
    """One repository."""

    def backup(self, folder: Path, exclude: Iterable[str]) -> Iterator[Answer]:
        """Back up what is in a folder and on its file system; yields what restic tells, errors with files too."""
        options = [f"--exclude={each}" for each in exclude]
        return self._lines(
            *("backup", "--host=carrel", "--one-file-system", *options, "."),
            folder=folder,
            fine={_INCOMPLETE},
        )

    def init(self) -> None:
        """Make the repository."""
        list(self._lines("init"))

    def unlock(self) -> None:
        """Take away the locks of pods that were killed; nobody else may be using the repository."""
        self._text("unlock", "--remove-all")

    def forget(self, keep: Iterable[str]) -> list[Snapshot]:
        """Keep what these rules keep, and delete the rest; the backups that remain."""
        answer = json.loads(self._text("forget", "--prune", "--group-by=", *keep).splitlines()[0])
        return [_snapshot(each) for group in answer for each in group["keep"] or ()]

    def snapshots(self) -> list[Snapshot]:
        """All backups there are; restoring takes no lock, because the operator lets nobody else in meanwhile."""
        try:
            found = json.loads(self._text("snapshots", "--no-lock"))
        except ResticError as error:
            if error.code == NO_REPOSITORY:
                return []
            raise
        return [_snapshot(each) for each in found]

    def nodes(self, snapshot: Snapshot, path: str, *, recursive: bool = False) -> Iterator[Answer]:
        """What is at that path and directly, or everywhere, below it; nothing when there is nothing."""
        options = ["--recursive"] if recursive else []
        for line in self._lines("ls", "--no-lock", *options, snapshot.id, path):
            if line.get("struct_type") == "node":
                yield line

    def having(self, path: str) -> set[str]:
        """The backups in which there is something at exactly that path, by id."""
        escaped = "".join(f"\\{each}" if each in "\\*?[" else each for each in path)
        found = json.loads(self._text("find", "--no-lock", escaped) or "[]")
        return {each["snapshot"][:8] for each in found if any(hit["path"] == path for hit in each["matches"])}

    def dump(self, snapshot: Snapshot, path: str, into: int) -> None:
        """Write one file's content to an open file."""
        done = subprocess.run(
            ["restic", "dump", "--no-lock", snapshot.id, path],
            stdout=into,
            stderr=subprocess.PIPE,
            check=False,
        )
        if done.returncode:
            raise ResticError(done.returncode, _last_line(done.stderr.decode(errors="replace")))

    def restore(self, snapshot: Snapshot, path: str, into: Path) -> int:
        """Restore what is in a folder; the number of files that could not be written."""
        told = self._lines(
            "restore", "--no-lock", f"{snapshot.id}:{path}", f"--target={into}", fine={1, _INCOMPLETE}
        )
        failures = [line["error"]["message"] for line in told if line["message_type"] == "error"]
        if any("no space left" in each for each in failures):
            message = "The disk became full; nothing was restored. Make room, and try again."
            raise TaskError(message)
        return len(failures)

    def _text(self, *arguments: str) -> str:
        done = subprocess.run(
            ["restic", "--json", *arguments], capture_output=True, text=True, errors="replace", check=False
        )
        if done.returncode:
            raise ResticError(done.returncode, _last_line(done.stderr))
        return done.stdout

    def _lines(
        self, *arguments: str, folder: Path | None = None, fine: Iterable[int] = ()
    ) -> Iterator[Answer]:
        """What restic tells, line by line; both of its channels, because errors with single files come by the other."""
        command = ["restic", "--json", *arguments]
        environment = os.environ | {"RESTIC_PROGRESS_FPS": "0.1"}
        last = ""
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running:
            assert running.stdout  # noqa: S101 - it is a pipe
            for line in running.stdout:
                try:
                    told = json.loads(line)
                except ValueError:
                    last = line.strip() or last
                    continue
                if told.get("message_type") == "exit_error":
                    last = str(told["message"])
                elif told.get("message_type") != "status":
                    yield told
        if running.returncode not in {0, *fine}:
            raise ResticError(running.returncode, last)


def _snapshot(answer: Answer) -> Snapshot:
    return Snapshot(answer["short_id"], datetime.fromisoformat(answer["time"]))


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    try:
        return str(json.loads(lines[-1])["message"]) if lines else ""
    except (ValueError, KeyError, TypeError):
        return lines[-1]
