"""%%bigquery works in every new notebook, and its imports are paid for only by those who use it.

`bigquery_magics` takes more than a second to import, in each kernel. So a kernel begins with this stand-in, which
loads the real magic over itself at its first use and passes the cell on. The real one prints that a query failed and
goes on as if nothing were; here the cell fails, so that "Run All Cells" stops at it.
"""

import importlib
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class QueryFailedError(Exception):
    """What BigQuery said, without the inside of its client."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [f"{type(self).__name__}: {self}"]


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the stand-in; named by /opt/venv/etc/ipython/ipython_config.py."""

    def bigquery(line: str, cell: str) -> object:
        """Run a query in BigQuery and show the result, or keep it: %%bigquery NAME makes it a DataFrame."""
        shell.extension_manager.load_extension("bigquery_magics")
        _fail_visibly(shell)
        return shell.run_cell_magic("bigquery", line, cell)

    shell.register_magic_function(bigquery, "cell", "bigquery")
    # The storage client is left out of the image on purpose (requirements/notebook.in).
    warnings.filterwarnings("ignore", message="BigQuery Storage module not found", category=UserWarning)


def _fail_visibly(shell: "InteractiveShell") -> None:
    """Put our end of a failed query in the place of the magic's own, which has no setting for that."""

    def handle_error(error: Exception, destination_var: str | None = None) -> None:
        if destination_var and (job := getattr(error, "query_job", None)):
            shell.push({destination_var: job})  # as the magic does
        raise QueryFailedError(getattr(error, "message", None) or str(error)) from None

    importlib.import_module("bigquery_magics.bigquery")._handle_error = handle_error  # type: ignore[attr-defined] # noqa: SLF001
