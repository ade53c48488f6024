"""Thousands of people with phones, each in a conversation with one sender, put into Postgres in a few statements."""

from dataclasses import dataclass

from persistence.database.pool import Database
from shared.ids import new_id

CHUNK = 5000

_USERS = "INSERT INTO users (id, handle) SELECT id, 'user' FROM unnest($1::uuid[]) AS u(id)"
_DEVICES = """
INSERT INTO devices (user_id, token, platform)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
"""
_CONVERSATIONS = """
INSERT INTO conversations (id, created_at, updated_at, members, is_group, created_by)
SELECT id, now(), now(), 2, true, $2 FROM unnest($1::uuid[]) AS c(id)
"""
_PARTICIPANTS = """
INSERT INTO participants (conversation_id, user_id, joined_at)
SELECT id, u, now() FROM unnest($1::uuid[], $2::uuid[]) AS c(id, member), unnest(ARRAY[member, $3]) AS u
"""
_MESSAGES = """
WITH said AS (
    INSERT INTO messages (conversation_id, seq, ordinal, created_at, updated_at, id, sender_id, text)
    SELECT c, 1, 1, now(), now(), m, $3, 'Hello' FROM unnest($1::uuid[], $2::uuid[]) AS w(c, m)
)
UPDATE conversations SET last_seq = 1, last_ordinal = 1 WHERE id = ANY ($1::uuid[])
"""


@dataclass(frozen=True)
class Member:
    """Somebody who is offline, with one phone."""

    user_id: str
    token: str
    conversation_id: str


async def gather_crowd(database: Database, sender_id: str, count: int, *, token: str = "") -> list[Member]:
    """So many people, each in a conversation with the sender. Their push tokens begin with `token`."""
    await database.execute(_USERS, [sender_id])
    crowd = [Member(new_id(), f"ExponentPushToken[{token}{number}]", new_id()) for number in range(count)]
    for start in range(0, count, CHUNK):
        chunk = crowd[start : start + CHUNK]
        users, rooms = [one.user_id for one in chunk], [one.conversation_id for one in chunk]
        await database.execute(_USERS, users)
        platforms = [("ios", "android")[number % 2] for number in range(len(chunk))]
        await database.execute(_DEVICES, users, [one.token for one in chunk], platforms)
        await database.execute(_CONVERSATIONS, rooms, sender_id)
        await database.execute(_PARTICIPANTS, rooms, users, sender_id)
    return crowd


async def say_to_all(database: Database, sender_id: str, crowd: list[Member]) -> list[str]:
    """One message in each conversation, as if it had been sent; their ids. Nobody is told of it by this."""
    ids = [new_id() for _ in crowd]
    for start in range(0, len(crowd), CHUNK):
        rooms = [one.conversation_id for one in crowd[start : start + CHUNK]]
        await database.execute(_MESSAGES, rooms, ids[start : start + CHUNK], sender_id)
    return ids
