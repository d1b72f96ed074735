# ruff: noqa: F821, INP001 -- IPython executes this file and provides get_config
"""What every kernel begins with; a person's own ~/.ipython comes after this."""

c = get_config()

c.InteractiveShellApp.extensions = [
    "carrel_lab.queries.extension",
    "carrel_lab.guard.kernel",
]
