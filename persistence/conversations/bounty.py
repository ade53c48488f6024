"""A bounty's id, which is its app's own: a string or a whole number, kept as text and given back as it came.

A string is kept as it is, so that SQL can join on it; only one that looks like a number, or begins with a quote, is
kept as JSON.
"""

import re

import orjson

NONE = ("", "null", "undefined")
"""What an app's JavaScript makes of an id that is not there, on its way through a path or a form."""
_NUMBER = re.compile(r"(?:0|-?[1-9][0-9]*)\Z")


def to_text(bounty_id: str | int | None) -> str | None:
    """None for those strings too that stand for none."""
    if isinstance(bounty_id, int):
        return str(bounty_id)
    if bounty_id is None or bounty_id in NONE:
        return None
    if bounty_id.startswith('"') or _NUMBER.match(bounty_id):
        return orjson.dumps(bounty_id).decode()
    return bounty_id


def from_text(text: str | None) -> str | int | None:
    if text is None:
        return None
    if text.startswith('"'):
        return str(orjson.loads(text))
    return int(text) if _NUMBER.match(text) else text
