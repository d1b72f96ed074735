"""The hub's own part of Carrel: JupyterHub's verbs translated to Notebooks, and the pages people see."""
