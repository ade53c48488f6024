"""How others see a user: names and a picture, out of claims that the user may have written."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from shared import texts
from shared.auth.handle import clean_handle

LONGEST_DISPLAY_NAME = 60
LONGEST_ADDRESS = 1024
"""Of a picture: each process keeps one for each of its users."""
_DISPLAY_NAMES = ("user_metadata.full_name", "user_metadata.name")
_PICTURES = ("user_metadata.avatar_url", "user_metadata.picture")
_EMAILS = ("email", "user_metadata.email")


class Profile(msgspec.Struct, frozen=True, gc=False):
    """The user writes it: never decide anything by it."""

    handle: str
    """1 to 64 code points."""
    display_name: str | None = None
    """1 to 60 code points; None where the token has none."""
    avatar_url: str | None = None
    """An https URL of at most 1,024 characters; None where the token has none."""


def profile_of(claims: dict[str, Any], user_id: str, handle_claims: Sequence[str]) -> Profile:
    """The first of the claims that makes a handle, else `user_` and 8 hex digits of the id, which others know anyway.

    The e-mail address is not shown unless it is itself named: neither from its own claim, nor where an app that had no
    better name copied it into another.
    """
    secret = set() if set(_EMAILS) & set(handle_claims) else {one.casefold() for one in _found(claims, _EMAILS)}
    handles = (clean_handle(one) for one in _found(claims, handle_claims) if one.casefold() not in secret)
    names = (texts.line(one) for one in _found(claims, _DISPLAY_NAMES) if one.casefold() not in secret)
    pictures = (one for one in _found(claims, _PICTURES) if len(one) <= LONGEST_ADDRESS)
    name = next(filter(None, names), None)
    return Profile(
        handle=next(filter(None, handles), f"user_{user_id[:8]}"),
        display_name=None if name is None else texts.shortened(name, LONGEST_DISPLAY_NAME),
        avatar_url=next((one for one in pictures if texts.is_address(one, ("https",))), None),
    )


def _found(claims: dict[str, Any], paths: Sequence[str]) -> Iterator[str]:
    """The claims of these names that are text: a name as it stands, or with dots, by which it leads into objects."""
    for path in paths:
        value = claims[path] if path in claims else _at(claims, _steps(path))
        if isinstance(value, str):
            yield value.strip()


@lru_cache(maxsize=64)
def _steps(path: str) -> tuple[str, ...]:
    """The settings name a few, and every token is asked for all of them."""
    return tuple(path.split("."))


def _at(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
