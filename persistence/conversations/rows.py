"""The query that lists conversations as a user sees them, and the view that each of its rows makes."""

from typing import Final

from persistence.conversations import bounty
from persistence.conversations.views import Conversation, LastMessage
from persistence.database.pool import Row
from persistence.database.visibility import BEGINS, MENTIONS, OWN_READ, UNREAD, is_hidden, stands, stays
from persistence.marks.store import MARKS
from persistence.members.roles import ROLE, role_of
from persistence.members.settings import SETTINGS, settings_of
from persistence.members.views import Participant, Role
from shared import texts
from shared.clock import iso, iso_or_none

NAMED: Final = 50
"""Participants of a conversation that its view names; `members` gives all of them, page by page."""

# Chooses the conversations first (`mine`, a WHERE clause over participants p and conversations c), and only then looks
# up people and last messages: of one page, by index. Of the people only the first `named`, by id: else what a group's
# list costs, and each answer that holds it, would grow with what its creator named.
LISTED = f"""
WITH mine AS (
    SELECT c.id, c.is_group, c.name, c.bounty_id, c.created_at, c.updated_at, c.last_seq, c.members, c.created_by,
           p.user_id AS viewer,
           {OWN_READ} AS read_seq, {BEGINS} AS begins, p.hid_messages,
           {UNREAD} AS unread_count, {MENTIONS} AS mention_count, {MARKS}, {ROLE} AS my_role,
           CASE WHEN p.muted_until > now() THEN p.muted_until END AS muted_until
    FROM participants p JOIN conversations c ON c.id = p.conversation_id {{mine}}
)
SELECT mine.*, {SETTINGS}, g.description, g.avatar_url, people.roles,
       people.ids, people.handles, people.display_names, people.avatar_urls,
       m.id AS message_id, m.seq, m.text, m.opaque, m.sender_id, m.created_at AS sent_at
FROM mine CROSS JOIN LATERAL (
    SELECT array_agg(f.user_id ORDER BY f.user_id) AS ids, array_agg(u.handle ORDER BY f.user_id) AS handles,
           array_agg(u.display_name ORDER BY f.user_id) AS display_names,
           array_agg(u.avatar_url ORDER BY f.user_id) AS avatar_urls, array_agg(f.role ORDER BY f.user_id) AS roles
    FROM (
        SELECT q.user_id, {role_of("q", "mine")} AS role FROM participants q
        WHERE q.conversation_id = mine.id AND {stays("q")}
        ORDER BY q.user_id LIMIT {{named}}
    ) AS f JOIN users u ON u.id = f.user_id
) AS people LEFT JOIN LATERAL (
    SELECT * FROM messages m
    WHERE m.conversation_id = mine.id AND m.seq > mine.begins AND {stands("m")}
        AND (CASE WHEN mine.hid_messages THEN {is_hidden("m", "mine.viewer")} END) IS NULL
    ORDER BY m.seq DESC LIMIT 1
) AS m ON true LEFT JOIN groups g ON mine.is_group AND g.conversation_id = mine.id
ORDER BY mine.updated_at DESC, mine.id DESC
"""


def conversation_of(row: Row) -> Conversation:
    return Conversation(
        id=row["id"],
        is_group=row["is_group"],
        name=row["name"],
        bounty_id=bounty.from_text(row["bounty_id"]),
        created_at=iso(row["created_at"]),
        updated_at=iso(row["updated_at"]),
        participants=_participants(row),
        participant_count=row["members"],
        last_message=_last_message(row),
        unread_count=row["unread_count"],
        mention_count=row["mention_count"],
        last_seq=row["last_seq"],
        read_seq=row["read_seq"],
        is_archived=row["is_archived"],
        is_pinned=row["is_pinned"],
        is_marked_unread=row["is_marked_unread"],
        muted_until=iso_or_none(row["muted_until"]),
        description=row["description"],
        avatar_url=row["avatar_url"],
        settings=settings_of(row) if row["is_group"] else None,
        role=Role(row["my_role"]),
    )


def _participants(row: Row) -> list[Participant]:
    roles = map(Role, row["roles"])
    each = zip(row["ids"], row["handles"], row["display_names"], row["avatar_urls"], roles, strict=True)
    return [Participant(*one) for one in each]


def _last_message(row: Row) -> LastMessage | None:
    if row["message_id"] is None:
        return None
    return LastMessage(
        id=row["message_id"],
        seq=row["seq"],
        text=texts.ENCRYPTED if row["opaque"] else row["text"],
        sender_id=row["sender_id"],
        created_at=iso(row["sent_at"]),
    )
