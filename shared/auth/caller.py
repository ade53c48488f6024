"""Who makes a request: a user by their token, or the app's own server by a key; and how the audit log names them."""

from typing import NamedTuple

import msgspec

from shared.auth.identity import Identity


class KeyHolder(msgspec.Struct, frozen=True):
    """The app's own server, which showed a living key. It holds no part of the key's secret, and may be logged."""

    key_id: str
    scopes: frozenset[str]
    """Closed: where `users` is in it, `users:read` is too."""

    def may(self, scope: str) -> bool:
        return scope in self.scopes


class Actor(NamedTuple):
    """`kind` is `user`, `key` or `cli`; `id` a user's, a key's, or the operating system's name of who ran a command.
    `act_as` is the user for whom a key spoke."""

    kind: str
    id: str
    act_as: str | None = None


Caller = Identity | KeyHolder


def actor_of(caller: Caller) -> Actor:
    if isinstance(caller, KeyHolder):
        return Actor("key", caller.key_id)
    if caller.key_id is not None:
        return Actor("key", caller.key_id, caller.user_id)
    return Actor("user", caller.user_id)
