# ruff: noqa: F821, INP001 -- Jupyter executes this file and provides get_config
"""How the server behaves for everybody; a person's own ~/.jupyter comes after this and wins."""

c = get_config()

# No language server is in the image, and notebook_shim moves settings of a program that isn't; both cost at each boot.
c.ServerApp.jpserver_extensions = {
    "carrel_lab.guard.extension": True,
    "jupyter_lsp": False,
    "notebook_shim": False,
}

# Nothing calls the internet by itself: no news, no look for updates, no extension shop.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"

# Not a login shell: /etc/profile would replace the PATH.
c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash"]}

# A kernel that doesn't end when asked is killed after this many seconds, well within the pod's grace of ten.
c.KernelManager.shutdown_wait_time = 2.0
