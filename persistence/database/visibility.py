"""What a member sees of a conversation, and how much of that is unread: the one home of these formulas.

Fragments of SQL over a participant `p` and their conversation `c`, or a user `u`.
"""

from typing import Final

BEGINS: Final = "greatest(p.joined_seq, p.hidden_seq, c.floor_seq)"
"""A member sees what lies above this seq: what came after their join, since they last cleared it, within retention."""

BEGINS_ORDINAL: Final = "greatest(p.joined_ordinal, p.hidden_ordinal, c.floor_ordinal)"
"""How many messages lie at or below BEGINS."""

_COUNTED: Final = f"(c.last_ordinal - greatest(p.read_ordinal, {BEGINS_ORDINAL}))"
"""Messages above the read cursor and above BEGINS, whatever became of them."""

# Where everything is read, no event ever was (a deletion is one), or the reader hid no message, nothing is looked for.
UNREAD: Final = f"""(CASE WHEN {_COUNTED} <= 0 THEN 0 ELSE greatest({_COUNTED}
    - CASE WHEN c.last_ordinal < c.last_seq THEN (
        SELECT count(*) FROM messages g
        WHERE g.conversation_id = c.id AND g.seq > greatest(p.read_seq, {BEGINS}) AND g.deleted_at IS NOT NULL
    ) ELSE 0 END
    - CASE WHEN p.hid_messages THEN (
        SELECT count(*) FROM hidden_messages h JOIN messages g
            ON g.conversation_id = h.conversation_id AND g.seq = h.message_seq AND g.deleted_at IS NULL
        WHERE h.conversation_id = c.id AND h.user_id = p.user_id AND h.message_seq > greatest(p.read_seq, {BEGINS})
    ) ELSE 0 END, 0) END)"""
"""Messages above the read cursor and above BEGINS, less those deleted, and those that the reader hid: lists, sync,
badges and pushes all count this way, and nothing steps a number. A sender's cursor moves past what they send, so these
are messages of others."""


def is_hidden(message: str, user: str) -> str:
    """Whether this user hid the message `message` (an alias of `messages`); null where not."""
    return (
        f"(SELECT true FROM hidden_messages h WHERE h.conversation_id = {message}.conversation_id"
        f" AND h.user_id = {user} AND h.message_seq = {message}.seq)"
    )


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


REFUSED: Final = "(u.banned_at IS NOT NULL OR u.deactivated_at IS NOT NULL)"
"""The user may not come in, and is told nothing."""
