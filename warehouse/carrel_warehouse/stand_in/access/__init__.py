"""Who may do what to which dataset, as BigQuery has it and the emulator doesn't.

`roles` reads a dataset's access list; `needs` says what a text reads and writes and `paths` what a call does; `guard`
asks the emulator for the lists, which it keeps, and refuses. It keeps people apart who use SQL as it is meant; it is
no wall against somebody who looks for the emulator's own holes.
"""
