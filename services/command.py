"""The command `parley`, and `python -m services`: the same."""

import faulthandler
import signal
import sys


def run() -> None:
    """Runs one command and ends the process with its exit code; a package that is missing is one line and 2."""
    # Tells on standard error where every thread is, also while the event loop is stuck, and without a debugger, which a
    # confined pod would not allow: docs/runbook.md, "ParleyProcessDown".
    faulthandler.register(signal.SIGUSR1)
    try:
        from services.cli import main
    except ModuleNotFoundError as missing:
        print(f"parley: the package {missing.name} is not installed: see requirements/base.txt", file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1:]))
