"""What a member sees of a conversation, and how much of that is unread: the one home of these formulas.

Fragments of SQL over a participant `p` and their conversation `c`, or a user `u`.
"""

from typing import Final

BEGINS: Final = "greatest(p.joined_seq, p.hidden_seq, c.floor_seq)"
"""A member sees what lies above this seq: what came after their join, since they last cleared it, within retention."""

BEGINS_ORDINAL: Final = "greatest(p.joined_ordinal, p.hidden_ordinal, c.floor_ordinal)"
"""How many messages lie at or below BEGINS."""

OWN_READ: Final = "greatest(p.read_seq, p.own_read_seq)"
"""How far the member has read, for themselves: p.read_seq alone is what others may know."""

OWN_READ_ORDINAL: Final = "greatest(p.read_ordinal, p.own_read_ordinal)"
"""How many messages lie at or below OWN_READ."""


def reads_privately(user: str) -> str:
    """Whether this user (SQL) tells nobody how far they have read, and so sees of nobody how far; null where not."""
    return f"(SELECT true FROM preferences f WHERE f.user_id = {user} AND NOT f.read_receipts)"


_COUNTED: Final = f"(c.last_ordinal - greatest({OWN_READ_ORDINAL}, {BEGINS_ORDINAL}))"
"""Messages above the read cursor and above BEGINS, whatever became of them."""


def stands(message: str) -> str:
    """Whether this message (an alias of `messages`) is neither deleted nor past its time: what expired counts as
    deleted from that moment on, in every statement, long before the sweeper comes by."""
    return f"({message}.deleted_at IS NULL AND ({message}.expires_at > statement_timestamp()) IS NOT FALSE)"


def gone_at(message: str) -> str:
    """Since when this message (an alias of `messages`) is deleted or past its time; null where it stands."""
    expired = f"CASE WHEN {message}.expires_at <= statement_timestamp() THEN {message}.expires_at END"
    return f"coalesce({message}.deleted_at, {expired})"


def gone_as(message: str) -> str:
    """As what somebody deleted the message; `retention` where its time was over. Null where it stands."""
    expired = f"CASE WHEN {message}.expires_at <= statement_timestamp() THEN 'retention' END"
    return f"coalesce({message}.deleted_as, {expired})"


def is_hidden(message: str, user: str) -> str:
    """Whether this user hid the message `message` (an alias of `messages`); null where not."""
    return (
        f"(SELECT true FROM hidden_messages h WHERE h.conversation_id = {message}.conversation_id"
        f" AND h.user_id = {user} AND h.message_seq = {message}.seq)"
    )


_FROM: Final = f"greatest({OWN_READ}, {BEGINS})"

# Where everything is read, no event ever was (a deletion is one), nothing ever expires, or the reader hid no message,
# nothing is looked for. What expired and was not erased yet is little.
UNREAD: Final = f"""(CASE WHEN {_COUNTED} <= 0 THEN 0 ELSE greatest({_COUNTED}
    - CASE WHEN c.last_ordinal < c.last_seq OR c.expired_xid IS NOT NULL THEN (
        SELECT count(*) FROM messages g
        WHERE g.conversation_id = c.id AND g.seq > {_FROM} AND g.deleted_at IS NOT NULL
    ) ELSE 0 END
    - CASE WHEN c.expired_xid IS NOT NULL THEN (
        SELECT count(*) FROM messages g
        WHERE g.conversation_id = c.id AND g.seq > {_FROM} AND g.deleted_at IS NULL
            AND g.expires_at <= statement_timestamp()
    ) ELSE 0 END
    - CASE WHEN p.hid_messages THEN (
        SELECT count(*) FROM hidden_messages h JOIN messages g
            ON g.conversation_id = h.conversation_id AND g.seq = h.message_seq AND {stands("g")}
        WHERE h.conversation_id = c.id AND h.user_id = p.user_id AND h.message_seq > {_FROM}
    ) ELSE 0 END, 0) END)"""
"""Messages above the read cursor and above BEGINS, less those deleted, those past their time, and those that the reader
hid: lists, sync, badges and pushes all count this way, and nothing steps a number. A sender's cursor moves past what
they send, so these are messages of others."""

EVERYBODY: Final = "'00000000-0000-0000-0000-000000000000'::uuid"
"""Stands in `messages.mentions` for all who are in the conversation."""


def mentions(listed: str, user: str) -> str:
    """Whether a list of mentions (SQL) names this user, or all."""
    return f"{listed} && ARRAY[{user}, {EVERYBODY}]"


MENTIONS: Final = f"""(CASE WHEN c.has_mentions AND {_COUNTED} > 0 THEN (
    SELECT count(*) FROM messages g
    WHERE g.conversation_id = c.id AND g.seq > {_FROM} AND g.mentions IS NOT NULL
        AND {mentions("g.mentions", "p.user_id")} AND {stands("g")}
        AND (CASE WHEN p.hid_messages THEN {is_hidden("g", "p.user_id")} END) IS NULL
) ELSE 0 END)"""
"""Of the UNREAD messages those that mention the reader. Where nobody was ever mentioned nothing is looked for."""

HIDES: Final = "(p.hidden AND c.last_ordinal <= p.hidden_ordinal)"
"""The member hid the conversation, and no message came since: any other event does not bring it back."""


def stays(participant: str) -> str:
    """Whether this participant (an alias) is one of the conversation's people to the others: a member, or who withdrew
    from a conversation of two, and is the other one all the same for who stays."""
    return f"({participant}.left_at IS NULL OR {participant}.withdrawn_at IS NOT NULL)"


def keep_apart(one: str, other: str) -> str:
    """Whether either of these users (SQL) blocks the other; null where not."""
    both = f"(({one}, {other}), ({other}, {one}))"
    return f"(SELECT true FROM blocks b WHERE (b.blocker_id, b.blocked_id) IN {both} LIMIT 1)"


REFUSED: Final = """(u.deactivated_at IS NOT NULL
    OR (u.banned_at IS NOT NULL AND (u.banned_until IS NULL OR u.banned_until > now())))"""
"""The user may not come in, and is told nothing."""
ARCHIVED: Final = """coalesce(p.archived_ordinal IS NOT NULL
    AND (c.last_ordinal <= p.archived_ordinal OR c.updated_at <= p.muted_until), false)"""
"""The member archived the conversation, and no message came since but while they had muted it. Whoever changes a mute
settles this before: a mute of later must not bring back an archive that is over."""

MARKED_UNREAD: Final = f"coalesce({OWN_READ} <= p.unread_seq, false)"
"""The member marked it unread, and read no further since."""
