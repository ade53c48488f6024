"""What a rate limit answers."""

import msgspec


class Allowed(msgspec.Struct, frozen=True):
    pass


class Limited(msgspec.Struct, frozen=True):
    """Not now. `retry_after_seconds` is when a token will be there, if nobody else takes it."""

    retry_after_seconds: float


ALLOWED = Allowed()
