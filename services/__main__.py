"""`python -m services COMMAND`."""

from services.command import run

run()
