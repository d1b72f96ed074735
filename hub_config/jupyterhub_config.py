"""JupyterHub's configuration file: it only hands over to ``carrel_hub.configuration``.

CARREL_HUB_VALUES: the folder with values.yaml and the secrets.
"""

import os
from pathlib import Path

from carrel_hub import configuration

configuration.assemble(get_config(), Path(os.environ.get("CARREL_HUB_VALUES", "/etc/carrel/hub")))
