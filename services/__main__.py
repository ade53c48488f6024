"""`python -m services COMMAND`."""

import faulthandler
import signal
import sys

from services.cli import main

# Tells on standard error where every thread is, also while the event loop is stuck, and without a debugger, which a
# confined pod would not allow: docs/runbook.md, "ParleyProcessDown".
faulthandler.register(signal.SIGUSR1)
sys.exit(main(sys.argv[1:]))
