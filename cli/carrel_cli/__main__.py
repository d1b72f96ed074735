"""``python -m carrel_cli``."""

import sys

from carrel_cli.commands import main

sys.exit(main())
