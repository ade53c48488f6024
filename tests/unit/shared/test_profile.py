"""What others see of a user, by their token alone."""

from typing import Any

import pytest

from shared.auth.profile import profile_of
from shared.settings import DEFAULT_HANDLE_CLAIMS

USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NEUTRAL = "user_7c9e6679"


def handle(claims: dict[str, Any], names: tuple[str, ...] = DEFAULT_HANDLE_CLAIMS) -> str:
    return profile_of(claims, USER, names).handle


def test_the_first_claim_that_makes_a_handle_counts() -> None:
    metadata = {"user_name": "c", "username": "b", "handle": "a"}

    assert handle({"user_metadata": metadata}) == "a"
    assert handle({"user_metadata": {**metadata, "handle": "\u200b"}}) == "b"
    assert handle({"user_metadata": {**metadata, "handle": 7, "username": "x" * 65}}) == "c"
    assert handle({"user_metadata": metadata}, ("user_metadata.user_name", "user_metadata.handle")) == "c"


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"email": "jane.doe.1984@example.com"},
        {"email": "jane.doe.1984@example.com", "user_metadata": {"email": "jane.doe.1984@example.com"}},
        {"email": "Jane.Doe.1984@example.com", "user_metadata": {"username": " jane.doe.1984@Example.com"}},
        {"user_metadata": {"email": "jane.doe.1984@example.com", "handle": "jane.doe.1984@example.com"}},
        {"user_metadata": None},
        {"user_metadata": []},
        {"user_metadata": {"handle": {"$ne": 1}}},
    ],
)
def test_without_a_handle_nothing_of_the_user_is_shown(claims: dict[str, Any]) -> None:
    assert handle(claims) == NEUTRAL


def test_the_email_is_shown_where_it_is_named() -> None:
    claims = {"email": "jane@example.com", "user_metadata": {"handle": "jane@example.com"}}

    assert handle(claims, ("email",)) == "jane@example.com"
    assert handle(claims, ("user_metadata.handle", "email")) == "jane@example.com"


def test_a_claim_whose_own_name_has_dots_is_found() -> None:
    assert handle({"https://app.example/handle": "ann"}, ("https://app.example/handle",)) == "ann"
    assert handle({"a.b": "ann", "a": {"b": "bob"}}, ("a.b",)) == "ann"


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({"full_name": "Ada Lovelace", "name": "ada"}, "Ada Lovelace"),
        ({"full_name": "\u2060", "name": "ada"}, "ada"),
        ({"full_name": "Bank \u202eecivres\n"}, "Bank ecivres"),
        ({"full_name": "x" * 61}, "x" * 59 + "…"),
        ({"name": "ada@example.com", "email": "ada@example.com"}, None),
        ({"name": 7}, None),
        ({}, None),
    ],
)
def test_a_display_name_is_one_short_line_that_shows_something(metadata: dict[str, Any], shown: str | None) -> None:
    assert profile_of({"user_metadata": metadata}, USER, DEFAULT_HANDLE_CLAIMS).display_name == shown


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({"avatar_url": "https://a.example/1.png", "picture": "https://a.example/2.png"}, "https://a.example/1.png"),
        ({"avatar_url": "http://a.example/1.png", "picture": "https://a.example/2.png"}, "https://a.example/2.png"),
        ({"avatar_url": "javascript:alert(1)"}, None),
        ({"avatar_url": "https://a.example/\u202egnp.1"}, None),
        ({"avatar_url": "https://a.example/" + "x" * 2048}, None),
        ({"picture": None}, None),
    ],
)
def test_a_picture_is_an_https_url(metadata: dict[str, Any], shown: str | None) -> None:
    assert profile_of({"user_metadata": metadata}, USER, DEFAULT_HANDLE_CLAIMS).avatar_url == shown
