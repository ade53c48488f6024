"""The shapes of a search."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.search.place import Place
from persistence.search.store import Asked
from persistence.search.views import Result
from persistence.search.wanted import Wanted, read
from shared.http.errors import malformed
from shared.http.fields import NO_NUL_PATTERN, UUID_PATTERN, Id, Moment, moment_of

MOST_RESULTS = 50
SEARCH_CURSOR_PATTERN = rf"^[0-9]{{1,16}}\.{UUID_PATTERN.strip('^$')}\.[0-9]{{1,16}}$(?!\n)"

Query = Annotated[
    str,
    Meta(
        pattern=NO_NUL_PATTERN,
        min_length=1,
        max_length=200,
        description='words and "phrases" that must all occur, and filters: `from:` a handle, an id or `me`, `in:` a'
        " conversation's id or a part of its name, `has:attachment`, `has:link`, `before:` and `after:` a day or a"
        " time",
    ),
]
Edge = Annotated[Moment, Meta(description="not itself among what is found")]


class SearchQuery(msgspec.Struct, rename="camel"):
    """What stands in `q` as a filter may be a field as well; both must hold then."""

    q: Query
    conversation_id: Id | UnsetType = UNSET
    sender_id: Id | UnsetType = UNSET
    has: Literal["attachment", "link"] | UnsetType = UNSET
    before: Edge | UnsetType = UNSET
    after: Edge | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, description=f"at most {MOST_RESULTS}: more counts as {MOST_RESULTS}")] = 20
    cursor: Annotated[str, Meta(pattern=SEARCH_CURSOR_PATTERN, description="nextCursor")] | UnsetType = UNSET

    def wanted(self) -> Wanted:
        wanted = read(self.q)
        if isinstance(self.has, str):
            wanted = wanted._replace(has=wanted.has | {self.has})
        if isinstance(self.before, str):
            before = moment_of(self.before)
            wanted = wanted._replace(before=min(before, wanted.before or before))
        if isinstance(self.after, str):
            after = moment_of(self.after)
            wanted = wanted._replace(after=max(after, wanted.after or after))
        return wanted

    def asked(self) -> Asked:
        """Raises ApiError 400 for a cursor of nobody's."""
        below = Place.from_cursor(self.cursor) if isinstance(self.cursor, str) else None
        if below is None and isinstance(self.cursor, str):
            raise malformed("cursor", "expected nextCursor of the page before")
        room = self.conversation_id.lower() if isinstance(self.conversation_id, str) else None
        sender = self.sender_id.lower() if isinstance(self.sender_id, str) else None
        return Asked(room, sender, min(self.limit, MOST_RESULTS), below)


class SearchAnswer(msgspec.Struct, rename="camel"):
    """Newest first. `asOfSeq` is the head of each conversation named. `complete` false: the search was ended by its
    bound, and goes on at `nextCursor`; what is given is all there is above it. `nextCursor` is null at the end."""

    results: list[Result]
    as_of_seq: dict[str, int]
    next_cursor: str | None
    complete: bool
