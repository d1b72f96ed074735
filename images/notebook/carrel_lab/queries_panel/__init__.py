"""The panel "My queries" in JupyterLab, seen from the server: what the person has asked the warehouse, and what is left.

``jobs`` reads a job as BigQuery tells it, ``documents`` finds the notebook that began it, ``warehouse`` asks with the
person's own credentials, ``routes`` answers the page.
"""
