import pytest

from shared.http.origins import Origins

NAMED = Origins(["https://app.example", "http://localhost:8081/"])


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, "api.example", True),
        ("https://app.example", "api.example", True),
        ("HTTPS://APP.example", "api.example", True),
        ("http://localhost:8081", "api.example", True),
        ("https://api.example", "api.example", True),
        ("https://api.example:443", "api.example", True),
        ("http://127.0.0.1:3001", "127.0.0.1:3001", True),
        ("http://127.0.0.1:3002", "127.0.0.1:3001", False),
        ("http://app.example", "api.example", False),
        ("https://app.example.evil.example", "api.example", False),
        ("https://evil.example/https://app.example", "api.example", False),
        ("https://user@api.example", "api.example", False),
        ("https://api.example.evil.example", "api.example", False),
        ("null", "api.example", False),
        ("file://api.example", "api.example", False),
        ("http://[", "[", False),
        ("", "", False),
        ("https://api.example", None, False),
    ],
)
def test_only_named_origins_and_the_own_host_are_allowed(origin: str | None, host: str | None, allowed: bool) -> None:
    assert NAMED.allows(origin, host) is allowed


def test_a_star_allows_everyone() -> None:
    assert Origins(["*"]).allows("https://evil.example", "api.example")
