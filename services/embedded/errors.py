"""What a caller hears when an embedded server cannot run."""


class StartError(Exception):
    """An embedded server could not be started; the text is one line that says why and what to do."""
