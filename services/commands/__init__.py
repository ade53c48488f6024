"""One module a subcommand: its arguments, and what it does with them."""

import argparse

EXIT_CODES = "exit codes: 0 done; 1 no, or it failed; 2 a mistake in the arguments or settings, named in one line"
"""The same for every command."""


def described(parser: argparse.ArgumentParser, text: str) -> None:
    """The help ends with this text as it is written."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = text.strip()
