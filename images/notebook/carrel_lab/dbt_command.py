"""The command ``dbt``: as dbt made it, but with a profile for whoever has none, and quiet towards the internet.

A profiles.yml in the folder or in ~/.dbt, a DBT_PROFILES_DIR or an argument wins, as everywhere else.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from carrel_lab import own

_NAME = "profiles.yml"


def main() -> None:
    """Run dbt; it ends the process itself, with its own exit code."""
    ours = Path(sys.prefix) / "etc/dbt"
    for name, value in defaults(os.environ, sys.argv[1:], Path.cwd(), ours).items():
        os.environ.setdefault(name, value)
    import_module("dbt.cli.main").cli(prog_name="dbt")


def defaults(
    environment: Mapping[str, str], arguments: Sequence[str], folder: Path, ours: Path
) -> dict[str, str]:
    """The variables that dbt gets unless they are set."""
    found = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    theirs = (folder / _NAME, Path(environment.get("HOME", "/")) / ".dbt" / _NAME)
    named = "DBT_PROFILES_DIR" in environment or any(each.startswith("--profiles-dir") for each in arguments)
    if named or any(file.exists() for file in theirs):
        return found
    return found | {
        "DBT_PROFILES_DIR": str(ours),
        "DBT_PROFILE": "carrel",  # whatever name the project gives to its profile
        "CARREL_DBT_DATASET": f"dbt_{own.dataset(environment)}",
    }


if __name__ == "__main__":
    main()
