"""What a kernel begins with: %%bigquery and %bq_attach are there, and no kernel that asks no query pays for them.

BigQuery's client and its magic take more than a second to import. So %%bigquery begins as a stand-in, which loads the
real magic over itself at its first use, and both are changed at the moment in which they are imported.
"""

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from carrel_lab.activity.queries import Jobs, note_file
from carrel_lab.queries.imports import after_import

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """Register the magics, and wait for imports; named by /opt/venv/etc/ipython/ipython_config.py."""

    def bigquery(line: str, cell: str) -> object:
        """Run a query in BigQuery and show the result, or keep it: %%bigquery NAME makes it a DataFrame."""
        shell.extension_manager.load_extension("bigquery_magics")
        return shell.run_cell_magic("bigquery", line, cell)

    def bq_attach(line: str) -> object:
        """Fetch the result of a query that was begun before: %bq_attach [JOB_ID]. Nothing is run or billed again."""
        from carrel_lab.queries.magic import attach  # noqa: PLC0415 - see above

        return attach(line)

    shell.register_magic_function(bigquery, "cell", "bigquery")
    shell.register_magic_function(bq_attach, "line", "bq_attach")
    after_import("google.cloud.bigquery.client", _change_client)
    after_import("bigquery_magics.bigquery", _change_magic)
    # The storage client is left out of the image on purpose (requirements/notebook.in).
    warnings.filterwarnings("ignore", message="BigQuery Storage module not found", category=UserWarning)


def _change_client(module: Any) -> None:  # noqa: ANN401 - a module
    from carrel_lab.queries import client, guard  # noqa: PLC0415 - see above

    client.wrap(module, Jobs(note_file(os.getpid())))
    guard.wrap(sys.modules["google.cloud.bigquery.table"])


def _change_magic(module: Any) -> None:  # noqa: ANN401
    from carrel_lab.queries import magic  # noqa: PLC0415

    magic.change(module)
