"""``carrel warehouse load``, whose inside is the notebook's: only there are Google's client and a keyless identity."""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from carrel_cli.hub import HubError

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_to(commands: "_SubParsersAction[ArgumentParser]") -> None:
    """Its arguments."""
    warehouse = commands.add_parser("warehouse", help="bring your own data into the warehouse")
    works = warehouse.add_subparsers(metavar="WORK", required=True)
    load = works.add_parser("load", help="make a table of a CSV or Parquet file")
    load.add_argument("file", metavar="FILE", help="a .csv file with a header, or a .parquet file")
    load.add_argument(
        "table", nargs="?", default="", metavar="DATASET.TABLE", help="default: your dataset, the file's name"
    )
    where = load.add_mutually_exclusive_group()
    where.add_argument(
        "--replace",
        dest="how",
        action="store_const",
        const="replace",
        default="",
        help="put it in the place of what is there",
    )
    where.add_argument(
        "--append", dest="how", action="store_const", const="append", help="add it to what is there"
    )
    load.set_defaults(alone=_load)


def _load(asked: Namespace, say: Callable[[str], None]) -> None:
    try:
        loading = import_module("carrel_lab.loading")
        refusal = loading.load(asked.file, asked.table, asked.how, say)
    except ModuleNotFoundError as missing:
        message = (
            f"A file is loaded from a notebook: run this in a terminal there ({missing.name} is not here)."
        )
        raise HubError(message) from missing
    if refusal:
        raise HubError(refusal)
