"""What a member sees of a conversation, and how much of that is unread: the one home of these formulas.

Fragments of SQL over a participant `p` and their conversation `c`.
"""

from typing import Final

BEGINS: Final = "greatest(p.joined_seq, p.hidden_seq, c.floor_seq)"
"""A member sees what lies above this seq: what came after their join, since they last cleared it, within retention."""

BEGINS_ORDINAL: Final = "greatest(p.joined_ordinal, p.hidden_ordinal, c.floor_ordinal)"
"""How many messages lie at or below BEGINS."""

UNREAD: Final = f"greatest(c.last_ordinal - greatest(p.read_ordinal, {BEGINS_ORDINAL}), 0)"
"""Messages above the read cursor and above BEGINS: lists, sync, badges and pushes all count this way. A sender's cursor
moves past what they send, so these are messages of others."""

HIDES: Final = "(p.hidden AND c.last_ordinal <= p.hidden_ordinal)"
"""The member hid the conversation, and no message came since: any other event does not bring it back."""
