"""What a check found: never a secret, not even a part of one."""

from enum import StrEnum

import msgspec


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, and is not what an operator would want."""
    ERROR = "error"
    """A process would not start, or not do what it is for."""


class Finding(msgspec.Struct, frozen=True):
    """`subject` is the setting at fault, or the part that was looked at."""

    level: Level
    subject: str
    text: str


def ok(subject: str, text: str) -> Finding:
    return Finding(Level.OK, subject, text)


def warning(subject: str, text: str) -> Finding:
    return Finding(Level.WARNING, subject, text)


def error(subject: str, text: str) -> Finding:
    return Finding(Level.ERROR, subject, text)
