"""An item of the queue as moderators see it, and the outcomes of what they do."""

from typing import Literal, NamedTuple

import msgspec

from persistence.database.view import View

Kind = Literal["message", "user", "held"]
State = Literal["open", "claimed", "resolved"]
Action = Literal["dismiss", "delete", "approve", "reject", "mute", "ban", "delete_and_ban"]


class Author(View, frozen=True):
    """Whom the item is about, with the penalties that are in force: `mutedIn` are conversations. `bannedUntil` is null
    where the user is not banned, or is for ever. `priorActions` were taken against them before."""

    id: str
    handle: str | None
    banned: bool
    banned_until: str | None
    muted_in: list[str]
    prior_actions: int


class Item(View, frozen=True, kw_only=True):
    """`target` is the id of the message, of the user, or of the message that waits. `reports` counts the reports,
    `reasons` are theirs. `claimedBy` is who looks at it now."""

    id: str
    kind: Kind
    state: State
    score: int
    reports: int
    reasons: list[str]
    target: str
    conversation_id: str | None
    claimed_by: str | None
    author: Author
    created_at: str
    version: int
    action: str | None
    reason: str | None
    note: str | None
    resolved_by: str | None
    resolved_at: str | None


class WholeItem(Item, frozen=True, kw_only=True):
    """`evidence` is the copy that was made at the first report, `context` what stood around it then."""

    evidence: msgspec.Raw
    context: msgspec.Raw


class OneReport(View, frozen=True):
    """`evidence`: how it stood at this report."""

    id: str
    reporter_id: str
    reason: str
    text: str | None
    evidence: msgspec.Raw
    created_at: str


class Place(NamedTuple):
    """Where a page ended: the next one begins behind it."""

    score: int
    created_us: int
    id: str

    def to_cursor(self) -> str:
        return f"{self.score}.{self.created_us}.{self.id}"

    @classmethod
    def from_cursor(cls, text: str) -> "Place":
        """Of what `to_cursor` wrote."""
        score, created_us, item_id = text.split(".")
        return cls(int(score), int(created_us), item_id.lower())


class Page(NamedTuple):
    items: list[Item]
    next: Place | None


class NoSuchItem(NamedTuple):
    """There is none with this id."""


class Claimed(NamedTuple):
    """Somebody else looks at it."""

    by: str


class Changed(NamedTuple):
    """It was resolved, or reported again, since the caller saw it."""


class NotFor(NamedTuple):
    """This action is not for what the item is about."""

    why: str
