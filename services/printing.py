"""What a command says: nothing of it is obeyed by the terminal, for much of it was written by strangers."""

from shared.texts import escaped_lines


def say(text: str) -> None:
    """Prints it at once; its line breaks are the command's own. What somebody else wrote is `texts.escaped` before."""
    print(escaped_lines(text), flush=True)
