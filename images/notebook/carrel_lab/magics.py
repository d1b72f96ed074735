"""%%bigquery works in every new notebook, and its imports are paid for only by those who use it.

`bigquery_magics` takes more than a second to import, in each kernel. So a kernel begins with this stand-in, which
loads the real magic over itself at its first use and passes the cell on.
"""

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the stand-in; named by /opt/venv/etc/ipython/ipython_config.py."""

    def bigquery(line: str, cell: str) -> object:
        """Run a query in BigQuery and show the result, or keep it: %%bigquery NAME makes it a DataFrame."""
        shell.extension_manager.load_extension("bigquery_magics")
        return shell.run_cell_magic("bigquery", line, cell)

    shell.register_magic_function(bigquery, "cell", "bigquery")
    # The storage client is left out of the image on purpose (requirements/notebook.in).
    warnings.filterwarnings("ignore", message="BigQuery Storage module not found", category=UserWarning)
