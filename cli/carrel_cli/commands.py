"""The commands and their arguments."""

import os
import posixpath
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from carrel_cli import findings, restoring, stopping, table, usage, warehouse
from carrel_cli.hub import Hub, HubError, Server
from carrel_cli.waiting import Restart, Step, repair_step, resize_step, until_done

_NAME = "whose server: USER, or USER/SERVER for one with a name (your own when left out)"
_ENVIRONMENT = """
CARREL_URL is the address of Carrel, CARREL_TOKEN a token from its Token page. Inside a server neither is needed.
The exit code is 1 when a change was refused, or is not there in time, and when the doctor found a fault.
"""
_INTERRUPTED = 130  # as a shell says it


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        if "alone" in asked:  # a command that needs no hub
            asked.alone(asked, _tell)
            return 0
        hub = Hub.from_environment(os.environ)
        server = Server.parse(asked.name) if asked.name else hub.own()
        done: bool = asked.run(hub, server, asked)
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("What was asked for goes on without this command.", file=sys.stderr)
        return _INTERRUPTED
    return 0 if done else 1


def _sizes(hub: Hub, server: Server, _: Namespace) -> bool:
    for line in table.lines(hub.sizes(server)):
        print(line)
    return True


def _resize(hub: Hub, server: Server, asked: Namespace) -> bool:
    first = resize_step(hub.change(server, asked.size), asked.size)
    if first.done is not None:
        _tell(first.message)
        return first.done
    return until_done(lambda: resize_step(hub.sizes(server), asked.size), _tell, asked.wait)


def _keep(hub: Hub, server: Server, asked: Namespace) -> bool:
    duration = None if asked.duration == "off" else asked.duration
    _tell(stopping.sentence(hub.keep(server, duration)))
    return True


def _restart(hub: Hub, server: Server, asked: Namespace) -> bool:
    if hub.is_inside(server):
        hub.restart(server, asked.size)
        _tell("The server restarts now, and this terminal ends with it. Your files stay.")
        return True
    restart = Restart(hub.state(server))
    hub.restart(server, asked.size)

    def look() -> Step:
        return restart.step(hub.state(server))

    return until_done(look, _tell, asked.wait)


def _repair(hub: Hub, _: Server, asked: Namespace) -> bool:
    hub.repair(asked.project)
    return until_done(lambda: repair_step(hub.project(asked.project)), _tell, asked.wait)


def _backups(hub: Hub, server: Server, asked: Namespace) -> bool:
    for line in restoring.lines(hub.backups(server), asked.project):
        print(line)
    return True


def _restore(hub: Hub, server: Server, asked: Namespace) -> bool:
    home = os.environ.get("HOME", "") if hub.is_inside(server) else ""
    wish = restoring.place(asked.path, asked.project, posixpath.abspath("."), home)
    begun = hub.restore(server, wish.path, asked.as_of, wish.project)
    top = restoring.top_of(wish.project, home)

    def look() -> Step:
        return restoring.restore_step(hub.restored(server, begun["name"]), top)

    return until_done(look, _tell, asked.wait)


def _usage(hub: Hub, _: Server, asked: Namespace) -> bool:
    for line in usage.lines(hub.usage(asked.since), asked.project):
        print(line)
    return True


def _doctor(hub: Hub, server: Server, asked: Namespace) -> bool:
    if asked.project:
        server = Server(f"project:{asked.project}")
    found = hub.doctor_of_all() if asked.all else hub.doctor(server)
    for line in findings.lines(found, own=hub.is_inside(server)):
        _tell(line)
    return findings.well(found)


def _tell(sentence: str) -> None:
    print(sentence, flush=True)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        "carrel",
        description="See and change the size of a server, and when it stops; get files back; load your data; find out why queries fail.",
        epilog=_ENVIRONMENT,
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    wait = ArgumentParser(add_help=False)
    wait.add_argument("--wait", type=float, default=300, metavar="SECONDS", help="how long (default: 300)")

    sizes = commands.add_parser("sizes", help="the sizes that a server may have; its own has a star")
    sizes.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    sizes.set_defaults(run=_sizes)

    resize = commands.add_parser("resize", parents=[wait], help="give a server another size, and wait for it")
    resize.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    resize.add_argument("size", metavar="SIZE", help="the name of a size")
    resize.set_defaults(run=_resize)

    keep = commands.add_parser(
        "keep", help="have a server not stopped for a while although nothing runs in it"
    )
    keep.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    keep.add_argument("duration", metavar="TIME", help="such as 8h or 1h30m; off: it stops as usual again")
    keep.set_defaults(run=_keep)

    restart = commands.add_parser("restart", parents=[wait], help="stop a server and start it again")
    restart.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    restart.add_argument("--size", default="", metavar="SIZE", help="start it in another size")
    restart.set_defaults(run=_restart)

    project = commands.add_parser("project", help="look after a project")
    works = project.add_subparsers(metavar="WORK", required=True)
    repair = works.add_parser("repair", parents=[wait], help="give its files back to the whole team")
    repair.add_argument("project", metavar="NAME", help="the name of the project")
    repair.set_defaults(run=_repair, name="")

    doctor = commands.add_parser("doctor", help="look at every link between a server and the warehouse")
    whose = doctor.add_mutually_exclusive_group()
    whose.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    whose.add_argument("--project", default="", metavar="NAME", help="of a project's own server")
    whose.add_argument("--all", action="store_true", help="the whole install; for administrators")
    doctor.set_defaults(run=_doctor)

    of_project = ArgumentParser(add_help=False)
    of_project.add_argument("--project", default="", metavar="NAME", help="of a project instead of the home")
    backups = commands.add_parser("backups", parents=[of_project], help="when files were backed up")
    backups.add_argument("name", nargs="?", metavar="NAME", help=_NAME)
    backups.set_defaults(run=_backups)

    restore = commands.add_parser(
        "restore", parents=[of_project, wait], help="bring a file or folder back, into 'restored/<date>'"
    )
    restore.add_argument("path", metavar="PATH", help="the file or folder as it was")
    restore.add_argument("--as-of", default="", metavar="DATE", help="2026-11-26, or 2026-11-26T14:00")
    restore.add_argument("--of", dest="name", default="", metavar="NAME", help=_NAME)
    restore.set_defaults(run=_restore)

    used = commands.add_parser("usage", help="what was read and run, and what it cost")
    used.add_argument(
        "--since", default="", metavar="DAY", help="such as 2026-11-26 (default: this month's first)"
    )
    used.add_argument("--project", default="", metavar="NAME", help="of one project alone")
    used.set_defaults(run=_usage, name="")
    warehouse.add_to(commands)
    return parser
