"""The command line: one subcommand a process or errand. A mistake of the caller's is one line and exit code 2."""

import argparse
import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol, cast

import uvloop

from persistence.database.migrate import MigrationError
from services.embedded import StartError
from shared.log import configure_logging
from shared.settings import SettingError, Settings, environment, from_environment, readable
from shared.texts import escaped
from shared.version import VERSION

COMMANDS = {
    "up": "everything in one process, with a Postgres and a Redis of its own where none is set",
    "gateway": "one gateway: holds the sockets",
    "persistence": "one persistence process: REST, Postgres, publishing",
    "pusher": "one pusher: tells Expo what no socket delivered",
    "webhooks": "one process that tells the app's backend what happened; it needs no database",
    "media": "one media process: uploads, downloads and what is made of files",
    "migrate": "applies pending migrations; safe when several replicas run it at once",
    "stats": "shows the fleet: who runs, what each holds, how fast and how late",
    "kick": "closes a user's sockets, bans them, or lifts a ban",
    "keys": "makes, lists and revokes the keys of the app's own server",
    "endpoints": "shows whom webhooks tell, and delivers again",
    "reports": "shows what waits for a moderator",
    "roles": "makes a user a moderator or an admin, or takes that back",
    "revoke": "revokes a sign-in: its sockets close, and its tokens are refused",
    "drain": "asks a gateway, or all of them in turn, to stop as SIGTERM would",
    "check-config": "tells what is wrong with the settings, and with what they name",
    "verify": "checks a running deployment: does it lose, duplicate or reorder?",
    "trace": "tells the whole life of a message: committed, delivered, read, pushed, and why or why not",
    "plan": "computes how large a fleet must be for so many users",
    "deadletters": "shows what no pusher could deal with, and tries it again or drops it",
    "analytics": "shows the numbers for the product, or gives them to other programs",
    "search-fill": "makes older messages ready to be found",
    "token": "prints a user's JWT, for development",
}


DEFAULTS = {"up": {"DRAIN_SECONDS": "0"}}
"""Variables whose default differs for one command: a developer's Ctrl-C waits for nobody."""
ON_A_TERMINAL = {"up": {"LOG_FORMAT": "console"}}
"""And where somebody reads along."""


TELLS_MISTAKES = "check-config"
"""The command that is to tell all that is malformed, and not to stop at the first."""


class Command(Protocol):
    """A module of services/commands."""

    def arguments(self, parser: argparse.ArgumentParser) -> None: ...

    def run(self, settings: Settings, chosen: argparse.Namespace) -> Coroutine[Any, Any, int]: ...


def main(argv: Sequence[str]) -> int:
    """Runs one command; its exit code."""
    chosen = _parser(argv).parse_args(argv)
    try:
        settings = _settings(chosen.command)
        configure_logging(settings.log_level, settings.log_format, chosen.command)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            code = runner.run(_command(chosen.command).run(settings, chosen))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _unheard()
    except (SettingError, StartError, MigrationError) as error:
        print(f"parley: {escaped(str(error))}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _unheard() -> int:
    """The reader of our output is gone, as after `| head`: the exit code of a program that SIGPIPE ended."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter complains once more
    return 128 + signal.SIGPIPE


def _settings(command: str) -> Settings:
    if command == TELLS_MISTAKES:
        return readable(environment())[0]
    read_along = ON_A_TERMINAL.get(command, {}) if sys.stderr.isatty() else {}
    return from_environment({**DEFAULTS.get(command, {}), **read_along})


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Only the command that is asked for is imported: `token` should not wait for what `up` needs."""
    parser = argparse.ArgumentParser(prog=_called(), description="Parley, a messaging backend.")
    parser.add_argument("--version", action="version", version=f"parley {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name in argv:
            _command(name).arguments(command)
    return parser


def _called() -> str:
    """What the user typed."""
    return "parley" if os.path.basename(sys.argv[0]) == "parley" else "python -m services"


def _command(name: str) -> Command:
    return cast(Command, importlib.import_module(f"services.commands.{name.replace('-', '_')}"))
