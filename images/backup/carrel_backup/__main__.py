"""``python -m carrel_backup backup|restore|copy``: one task on the volume mounted at /volume, and its outcome for the operator.

The outcome is one JSON object in the container's termination message: ``message``, a sentence for people, and
beside it what the operator keeps. The exit code is 0 when what was asked for is done.
"""

import json
import os
import sys
from argparse import ArgumentParser, Namespace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from carrel_backup import backup, restore
from carrel_backup.mounted import MountedSnapshot
from carrel_backup.restic import Restic
from carrel_backup.source import Snapshot, TaskError

VOLUME, SNAPSHOT = Path("/volume"), Path("/snapshot")
_OUTCOME = Path("/dev/termination-log")
_LONGEST_OUTCOME = 4096  # bytes, as Kubernetes keeps


def main() -> int:
    """Do the task; the exit code."""
    os.umask(0o002)  # as in every server: what lies in a project is the team's
    asked = _parser().parse_args()
    zone = ZoneInfo(os.environ.get("TZ", "UTC"))
    try:
        outcome: dict[str, Any] = asked.run(asked, zone)
    except TaskError as problem:
        _tell({"message": str(problem)})
        return 1
    _tell(outcome)
    return 0


def _backup(asked: Namespace, _: ZoneInfo) -> dict[str, Any]:
    keep = {"daily": asked.keep_daily, "weekly": asked.keep_weekly, "monthly": asked.keep_monthly}
    return backup.back_up(Restic(), VOLUME, asked.exclude, keep)


def _restore(asked: Namespace, zone: ZoneInfo) -> dict[str, Any]:
    return restore.bring_back(Restic(), VOLUME, restore.Wish(asked.path, asked.as_of), zone)


def _copy(asked: Namespace, zone: ZoneInfo) -> dict[str, Any]:
    source = MountedSnapshot(SNAPSHOT, Snapshot(asked.snapshot, datetime.fromisoformat(asked.at)))
    return restore.bring_back(source, VOLUME, restore.Wish(asked.path), zone)


def _tell(outcome: dict[str, Any]) -> None:
    print(outcome["message"])
    said = json.dumps(outcome)
    while len(said) > _LONGEST_OUTCOME and outcome.get("snapshots"):
        outcome["snapshots"].pop()  # the oldest: they are there, and are found by their date
        said = json.dumps(outcome)
    _OUTCOME.write_text(said)


def _parser() -> ArgumentParser:
    parser = ArgumentParser("carrel_backup")
    tasks = parser.add_subparsers(required=True)
    backs_up = tasks.add_parser("backup")
    for kept in ("daily", "weekly", "monthly"):
        backs_up.add_argument(f"--keep-{kept}", type=int, default=0)
    backs_up.add_argument("--exclude", action="append", default=[])
    backs_up.set_defaults(run=_backup)
    restores = tasks.add_parser("restore")
    restores.add_argument("--path", required=True)
    restores.add_argument("--as-of", default="")
    restores.set_defaults(run=_restore)
    copies = tasks.add_parser("copy")
    for what in ("path", "snapshot", "at"):
        copies.add_argument(f"--{what}", required=True)
    copies.set_defaults(run=_copy)
    return parser


if __name__ == "__main__":
    sys.exit(main())
