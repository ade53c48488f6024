"""`python -m services COMMAND`."""

import faulthandler
import signal
import sys

# Tells on standard error where every thread is, also while the event loop is stuck, and without a debugger, which a
# confined pod would not allow: docs/runbook.md, "ParleyProcessDown".
faulthandler.register(signal.SIGUSR1)
try:
    from services.cli import main

    sys.exit(main(sys.argv[1:]))
except ModuleNotFoundError as missing:
    print(f"parley: the package {missing.name} is not installed: see requirements/base.txt", file=sys.stderr)
    sys.exit(2)
