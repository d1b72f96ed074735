"""A problem is a failure that a person can act on, told in plain sentences."""


class Problem(Exception):  # noqa: N818 - it is the word the person reads about, not a programming error
    """Ends a command with its sentence and no traceback."""
