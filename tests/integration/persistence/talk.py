"""What store tests do all the time: make people, conversations and messages."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from persistence.conversations.creating import create
from persistence.conversations.views import Created
from persistence.database.pool import Database, Pool
from persistence.messages import send as messages
from persistence.messages.views import Draft, Message, Sent
from persistence.users import store as users
from shared.api import SessionUser
from shared.ids import new_id

_texts = count(1)


async def people(database: Database, number: int) -> list[str]:
    """Users with the handles user1, user2, … in the order of their ids."""
    ids = sorted(new_id() for _ in range(number))
    await users.remember(database, [SessionUser(id=each, handle=f"user{n}") for n, each in enumerate(ids, 1)])
    return ids


async def phones(database: Database, *users: str) -> None:
    """A device for each of these."""
    await database.execute(
        "INSERT INTO devices (token, user_id) SELECT 'ExponentPushToken[' || id || ']', id FROM unnest($1::uuid[]) id",
        users,
    )


async def made(pool: Pool, caller: str, participants: Iterable[str], **fields: Any) -> Created:
    """Where no block keeps them apart."""
    created = await create(pool, caller, participants, **fields)
    assert isinstance(created, Created)
    return created


async def conversation(pool: Pool, *participants: str, bounty_id: str | None = None) -> str:
    return (await made(pool, participants[0], participants, bounty_id=bounty_id)).conversation.id


def draft(sender_id: str, text: str | None = None, **fields: Any) -> Draft:
    return Draft(new_id(), sender_id, text or f"text {next(_texts)}", **fields)


async def say(database: Database, conversation_id: str, sender_id: str, number: int = 1) -> list[Message]:
    """So many messages, each sent alone."""
    sent = []
    for _ in range(number):
        [outcome] = await messages.send(database, conversation_id, [draft(sender_id)])
        assert isinstance(outcome, Sent)
        sent.append(outcome.message)
    return sent
