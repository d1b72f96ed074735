"""``carrel-doctor``: one line for each link between this notebook and the warehouse."""

import sys

from carrel_lab.doctor.visit import examined
from carrel_lab.guard.hub import Hub


def main() -> int:
    """Print what was found; 1 when a link is broken."""
    found = examined(Hub.from_environment())
    for each in found:
        print(each.line())
    return 1 if any(each.failed for each in found) else 0


if __name__ == "__main__":
    sys.exit(main())
