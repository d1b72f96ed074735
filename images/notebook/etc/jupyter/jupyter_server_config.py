# ruff: noqa: F821, INP001 -- Jupyter executes this file and provides get_config
"""How the server behaves for everybody; a person's own ~/.jupyter comes after this and wins."""

c = get_config()

# No language server is in the image, and notebook_shim moves settings of a program that isn't; both cost at each boot.
# nbdime's buttons do what jupyterlab-git's do, and cost a tenth of the boot.
c.ServerApp.jpserver_extensions = {
    "carrel_lab.durable.extension": True,
    "carrel_lab.guard.extension": True,
    "carrel_lab.queries_panel.extension": True,
    "jupyter_lsp": False,
    "nbdime": False,
    "notebook_shim": False,
}

# Open documents live in the server and are saved by it (carrel_lab/durable). Nothing of that is kept in the home:
# numbers of files in memory, the state of a document that nobody has open in /tmp, no list of former sessions. So a tab
# that outlives its pod is asked to load the document again. Whether a file changed on disk is looked at by our own rooms.
c.YDocExtension.ystore_class = "carrel_lab.durable.history.History"
c.YDocExtension.session_store_path = "/dev/null"
c.YDocExtension.file_poll_interval = 0.0
c.ArbitraryFileIdManager.db_path = ":memory:"

# Nothing calls the internet by itself: no news, no look for updates, no extension shop.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"

# Not a login shell: /etc/profile would replace the PATH.
c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash"]}

# A kernel that doesn't end when asked is killed after this many seconds, well within the pod's grace of ten.
c.KernelManager.shutdown_wait_time = 2.0
