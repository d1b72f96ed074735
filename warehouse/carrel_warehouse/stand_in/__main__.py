"""Run the stand-in: `python -m carrel_warehouse.stand_in`, settings from the environment."""

import logging
import os
import sys

from aiohttp import web

from carrel_warehouse.stand_in.app import build
from carrel_warehouse.stand_in.settings import parse


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.INFO, format="%(levelname).1s %(name)s: %(message)s")
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("sqlglot").setLevel(
        logging.ERROR
    )  # it warns of what it doesn't know by quoting people's SQL
    try:
        settings = parse(os.environ)
    except ValueError as problem:
        sys.exit(f"The stand-in can't start: {problem}")
    web.run_app(build(settings), port=settings.port, shutdown_timeout=2, print=None)


if __name__ == "__main__":
    main()
