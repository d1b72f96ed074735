"""The checks of `make up`, run with the system's Python before anything is installed."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is what tells an older Python so
    sys.exit("Python 3.11 or newer is needed: use Debian 12, Ubuntu 24.04 or anything newer.")

from carrel_local.preflight import main

main()
