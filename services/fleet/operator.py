"""Who runs a command, as the audit log names them."""

import getpass

from shared.auth.caller import Actor


def operator() -> Actor:
    """The operating system's name of whoever runs this process, or that it has none, as in many containers."""
    try:
        return Actor("cli", getpass.getuser())
    except (KeyError, OSError):
        return Actor("cli", "unnamed")
