"""A person's server starts here: a greeting in a new home, then JupyterHub's single-user server and nothing else."""

import gc
import os
import sys
from pathlib import Path

from carrel_lab import projects, singleuser, welcome
from carrel_lab.doctor import gate


def main() -> int | None:
    """Serve until told to stop; the exit status is the server's own."""
    waiting = gate.begin(os.environ)
    home = Path.home()
    problem = welcome.place(Path(sys.prefix) / "share/carrel/welcome.ipynb", home)
    if problem:
        print(f"The starter notebook could not be placed in {home}: {problem}.", file=sys.stderr, flush=True)
    # A home that is full or read-only must not lock its owner out: what the server needs for itself is in /tmp.
    os.environ.setdefault("JUPYTER_RUNTIME_DIR", "/tmp/jupyter-runtime")  # noqa: S108 each pod has its own /tmp
    os.environ["PATH"] += f":{home}/.local/bin"  # where pip puts a person's own programs
    os.chdir(home)
    # What one member of a team makes, the others may change; a home is nobody else's to enter anyway.
    os.umask(0o002)
    if problem := projects.link(home):
        print(problem, file=sys.stderr, flush=True)
    # Imports make half a million objects and no garbage; Python's default looks for some after every 2,000.
    gc.set_threshold(50_000, 20, 20)
    app = singleuser.imported()
    if waiting:
        singleuser.hold_back(app, waiting.wait)
    outcome: int | None = app.launch_instance()
    return outcome


if __name__ == "__main__":
    sys.exit(main())
