"""The commands behind `make up`, `make down`, `make status` and the three that scripts read."""

import os
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from . import (
    builders,
    demo,
    existing,
    instance,
    kubernetes,
    lifecycle,
    lock,
    node,
    preflight,
    programs,
    release,
)
from .commands import SYSTEM_PATH
from .problem import Problem
from .progress import Progress, elapsed

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Name = Annotated[
    str, typer.Option("--instance", envvar="CARREL_INSTANCE", help="which cluster of this machine")
]
Context = Annotated[
    str, typer.Option("--context", envvar="CARREL_CONTEXT", help="install into this kubectl context")
]
DEFAULT = "carrel"


def _here(name: str) -> instance.Instance:
    try:
        return instance.instance(name, instance.numbers())
    except ValueError as error:
        raise Problem(str(error)) from error


def _alone(here: instance.Instance) -> AbstractContextManager[None]:
    return lock.held(
        here.name, f"Another command is changing the cluster {here.name} right now: wait until it has ended."
    )


@app.command()
def up(
    name: Name = DEFAULT,
    context: Context = "",
    values: Annotated[
        Path | None, typer.Option(envvar="CARREL_VALUES", help="chart values for the context")
    ] = None,
    *,
    snapshots: Annotated[
        bool, typer.Option("--snapshots", envvar="CARREL_SNAPSHOTS", help="with a storage that has snapshots")
    ] = False,
) -> None:
    """Build and start everything, and say where it is."""
    with Progress() as progress:
        if context:
            existing.up(context, values, progress)
            return
        here, began = _here(name), time.monotonic()
        if refusal := preflight.refusal(preflight.inspect(here)):
            raise Problem(refusal)
        with _alone(here):
            lifecycle.up(here, progress, with_snapshots=snapshots)
        progress.console.print(f"✓ Up after {elapsed(time.monotonic() - began)}")
    _tell(here)


@app.command()
def down(
    name: Name = DEFAULT,
    context: Context = "",
    *,
    keep: Annotated[bool, typer.Option("--keep", help="keep people's files")] = False,
) -> None:
    """Stop the cluster and delete it."""
    with Progress() as progress:
        if context:
            existing.down(context, progress)
            return
        here = _here(name)
        if not any((here.state.exists(), here.leaving.exists(), node.init(here))):
            typer.echo(f"The cluster {here.name} is not on this machine.")
            return
        with _alone(here):
            lifecycle.down(here, progress, keep=keep)
    typer.echo(
        f"The cluster {here.name} is stopped{'; the next up brings the files back' if keep else ' and gone'}."
    )


@app.command()
def status(name: Name = DEFAULT) -> None:
    """Say what runs, where, and how to get in; fails when the cluster does not run."""
    here = _here(name)
    if node.init(here) is None:
        kept = " Its files are kept." if here.state.exists() else ""
        raise Problem(f"The cluster {here.name} is not running: start it with 'make up'.{kept}")
    _tell(here)
    cluster = kubernetes.of(here)
    table = Table("Part", "Ready", "Image", box=None)
    for part in release.parts(cluster):
        table.add_row(part.name, f"{part.ready}/{part.wanted}", part.image)
    console = Console(highlight=False)
    console.print(table)
    console.print(", ".join(f"{group.title} {group.version}" for group in programs.GROUPS), style="dim")
    console.print(f"Logs of the node's programs: {here.logs}", style="dim")


@app.command()
def url(name: Name = DEFAULT) -> None:
    """Print the hub's address."""
    typer.echo(_here(name).hub_url)


@app.command()
def kubeconfig(name: Name = DEFAULT) -> None:
    """Print the path of the administrator's kubeconfig."""
    typer.echo(_running(name).kubeconfig)


@app.command()
def token(name: Name = DEFAULT) -> None:
    """Print an API token of the demo admin."""
    here = _running(name)
    typer.echo(demo.token(here, kubernetes.of(here)))


@app.command()
def images(
    names: Annotated[list[str] | None, typer.Argument(help="all if none is named")] = None,
    name: Name = DEFAULT,
) -> None:
    """Build images, give them to the running node and print their references."""
    here = _running(name)
    with Progress(Console(stderr=True, highlight=False, soft_wrap=True)) as progress:
        references = builders.chosen_images(here, names or [], progress)
    for reference in references:
        typer.echo(reference)


def _running(name: str) -> instance.Instance:
    here = _here(name)
    if node.init(here) is None:
        raise Problem(f"The cluster {here.name} is not running: start it with 'make up'.")
    return here


def _tell(here: instance.Instance) -> None:
    console = Console(highlight=False)
    console.print(f"\nCarrel is at [bold]{here.hub_url}[/bold]. Sign in as:")
    table = Table("name", "password", "groups", box=None, padding=(0, 2))
    for person, password in demo.passwords(here).items():
        table.add_row(person, password, ", ".join(demo.PEOPLE[person].groups))
    console.print(table)
    console.print(f"\nkubectl: export KUBECONFIG={here.kubeconfig}\n")


def main() -> None:
    """Run the command line; a problem is its sentence and exit code 1."""
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    try:
        app()
    except Problem as problem:
        _fail(str(problem))
    except PermissionError as error:
        _fail(f"{error.filename} is for root only: run it again with sudo.")


def _fail(sentence: str) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True).print(sentence, markup=False, style="red")
    sys.exit(1)
