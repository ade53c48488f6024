"""`*_enabled` of an app's own, beside the preferences that Parley knows: kept, given back, and never looked at."""

import re
from typing import Any

import msgspec

from persistence.push.preferences import MAX_TOGGLES
from shared.http.errors import ApiError, malformed

SUFFIX = "_enabled"
NAME_PATTERN = f"^[A-Za-z0-9_.:-]{{1,56}}{SUFFIX}$"
_NAME = re.compile(NAME_PATTERN.strip("^$"))


def read(body: bytes, known: set[str]) -> dict[str, bool | None]:
    """The toggles of a JSON object, as it was sent, that are none of the `known` fields; None takes one back.

    Raises ApiError 400 for a name or a value that cannot be kept.
    """
    fields: dict[str, Any] = msgspec.json.decode(body)
    toggles = {name: value for name, value in fields.items() if name.endswith(SUFFIX) and name not in known}
    for name, value in toggles.items():
        if not _NAME.fullmatch(name):
            raise malformed(name[:64], f"expected letters, digits and _.:- before {SUFFIX}, 64 characters in all")
        if value is not None and not isinstance(value, bool):
            raise malformed(name, "expected true, false or null")
    return toggles


def too_many() -> ApiError:
    return malformed("body", f"at most {MAX_TOGGLES} fields of the app's own that end in {SUFFIX}; null takes one back")
