"""`python -m carrel_local`."""

from .cli import main

main()
