"""Nothing a cell prints is lost: not with the tab closed, not at a stop, and of a server that died only seconds.

jupyter-collaboration keeps open documents in the server, jupyter-server-nbmodel runs cells there. This is what they
lack: ``saver`` writes while a cell still talks, ``rooms`` keeps a document for as long as a cell of it runs and never
overwrites one person with another, ``executions`` ends what a kernel left unfinished, ``journal`` and ``cut`` say in
the notebook where the server's own end cut it.
"""
