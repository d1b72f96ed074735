"""What Carrel adds to JupyterLab inside a person's server."""
