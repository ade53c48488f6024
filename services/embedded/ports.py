"""Ports of 127.0.0.1 for servers that do not listen yet, or not at this moment: nobody else is given them meanwhile."""

import fcntl
import os
import random
import socket
import tempfile
from functools import cache
from pathlib import Path

from services.embedded.errors import StartError

# Below the range from which Linux and macOS take the ports of outgoing connections: none of those can be in the way.
PORTS = range(15_000, 32_000)
MOST_NAMES = 100


def free_port() -> int:
    """One that nobody listens on, and that this process alone is given for as long as it lives. Raises StartError."""
    for port in random.sample(PORTS, 1000):
        if claim(port) and _is_free(port):
            return port
    raise StartError(f"no free port between {PORTS.start} and {PORTS.stop}")


def claim(port: int) -> bool:
    """Whether nobody had claimed it before: no other process of this user, nor this one. A claim ends with the process.

    A record lock on one byte of a file that all share: it needs no descriptor of its own, and no cleaning up.
    """
    claims, own = _claims()
    if port in own:
        return False
    try:
        fcntl.lockf(claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):  # POSIX leaves it to the system which of them says "taken"
        return False
    own.add(port)
    return True


@cache
def _claims() -> tuple[int, set[int]]:
    """The file, opened once: to close any descriptor of it would end all of the process' locks.

    Anybody may put a file of this name into the folder that all share. So the file must be ours, and where it is not,
    the next name counts: all our processes agree on one, as nobody else can take away or give away what is ours.
    """
    for number in range(MOST_NAMES):
        path = Path(tempfile.gettempdir()) / f"parley-ports-{os.getuid()}-{number}"
        try:
            claims = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            continue  # a link, a folder, or somebody else's
        if os.fstat(claims).st_uid == os.getuid():
            return claims, set()
        os.close(claims)
    raise StartError(f"{tempfile.gettempdir()} holds no file for the ports in use: set TMPDIR to a folder of your own")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
