"""What a person hears when a file isn't loaded."""


class RefusalError(Exception):
    """The reason, as a sentence."""
