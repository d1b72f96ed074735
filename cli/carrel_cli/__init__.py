"""The ``carrel`` command: see and change the size of a server from a terminal."""
