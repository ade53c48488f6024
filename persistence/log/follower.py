"""Who is told of every durable event after its publication."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from persistence.database.pool import Database
from persistence.log.logged import Logged

Follower: TypeAlias = Callable[[Database, Sequence[Logged]], Awaitable[None]]
"""Told between the publication of these events and the deletion of their outbox rows: of each at least once, whatever
dies, and of some again, late, and not in the order of their seqs.

A follower is told ids and no words (`Logged.without_words`). One that keeps words reads them from the message's row in
the transaction that writes its own, with FOR SHARE, and writes nothing where the message is deleted by then: else a
late repeat would bring deleted text back. A slow one enqueues. What it raises of DATABASE_FAILURES and REDIS_FAILURES
has the events told again, to the others too.
"""
