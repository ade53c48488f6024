"""What gateways ask: who is in which conversations, how far those have come, and what they missed."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.internal.question import question
from persistence.log import heads, read
from persistence.members.announcer import MembershipAnnouncer
from persistence.receipts import cursors
from persistence.receipts import envelopes as receipts
from persistence.rules import Rules
from persistence.stats.activity import Seen
from persistence.users import store as users
from shared import api
from shared.http.endpoint import Call, Endpoint, Nothing
from shared.http.errors import malformed, not_found
from shared.http.fields import MAX_SEQ
from shared.ids import LONGEST_SESSION_ID, canonical_id, is_session_id

MOST_PAIRS = 50 * api.MAX_LOOKUPS
"""Whole rooms of local users may be asked about at once."""


class Lookups:
    """The handlers. All raise ApiError 400 for what is not a UUID, and for more than MAX_LOOKUPS of them."""

    def __init__(self, pool: Pool, announcer: MembershipAnnouncer, rules: Rules, seen: Seen) -> None:
        self._pool = pool
        self._announcer = announcer
        self._renames = rules.renames
        self._seen = seen

    async def sessions(self, call: Call[api.SessionsRequest, Nothing]) -> api.SessionsAnswer:
        ids = _ids("users", (user.id for user in call.body.users))
        for user_id in ids:
            self._seen(user_id)
        known = [msgspec.structs.replace(user, id=key) for key, user in zip(ids, call.body.users, strict=True)]
        return await users.sessions(self._pool, known, _session_ids(call.body.session_ids), renames=self._renames)

    async def heads(self, call: Call[api.HeadsRequest, Nothing]) -> api.HeadsAnswer:
        asked = _ids("conversations", call.body.conversations)
        return await heads.heads(self._pool, asked, _ids("users", call.body.users), _pairs(call.body.pairs, asked))

    async def events(self, call: Call[api.EventsRequest, Nothing]) -> api.EventsAnswer:
        [conversation_id] = _ids("conversationId", [call.body.conversation_id])
        after, up_to = call.body.after, call.body.up_to
        if not 0 <= after <= up_to <= MAX_SEQ:
            raise malformed("upTo", "expected 0 <= after <= upTo")
        users = _ids("users", call.body.users)
        found = await read.events(self._pool, conversation_id, after=after, up_to=up_to, users=users)
        if found is None:
            raise not_found("there is no such conversation")
        return found

    async def receipts(self, call: Call[api.ReceiptsRequest, Nothing]) -> api.ReceiptsAnswer:
        asked = _ids("conversations", call.body.conversations)
        as_of, moved = await cursors.moved_since(self._pool, asked, _as_of(call.body.as_of))
        big = {one.conversation_id for one in moved if one.members > api.LIVE_PRESENCE_MEMBERS}
        named = receipts.receipts([one for one in moved if one.conversation_id not in big])
        minima = await cursors.minima(self._pool, list(big)) if big else []
        return api.ReceiptsAnswer(str(as_of), [*named, *map(receipts.receipts_all, minima)])

    async def peers(self, call: Call[api.PeersRequest, Nothing]) -> api.PeersAnswer:
        ids = _ids("users", call.body.users)
        discreet = await users.discreet(self._pool, ids)
        return api.PeersAnswer(rooms=await conversations.peers(self._pool, ids), discreet=sorted(discreet))

    async def conversations(self, call: Call[api.ConversationsRequest, Nothing]) -> api.ConversationsAnswer:
        [user_id] = _ids("userId", [call.body.user_id])
        asked = _ids("conversations", call.body.conversations)
        views = await conversations.view(self._pool, [(user_id, one) for one in asked])
        return api.ConversationsAnswer(
            conversations={key: msgspec.Raw(msgspec.json.encode(view)) for (_, key), view in views.items()}
        )

    async def purge(self, call: Call[api.PurgeRequest, Nothing]) -> api.PurgeAnswer:
        purged = await conversations.purge(self._pool, _ids("conversations", call.body.conversations))
        for one in purged:
            self._announcer.left(one.conversation_id, one.left)
        return api.PurgeAnswer(purged=len(purged))


def _ids(field: str, given: Iterable[str]) -> list[str]:
    ids: list[str] = []
    for one in given:
        known = canonical_id(one)
        if known is None:
            raise malformed(field, "expected a UUID")
        ids.append(known)
    if len(ids) > api.MAX_LOOKUPS:
        raise malformed(field, f"at most {api.MAX_LOOKUPS} at once")
    return ids


def _session_ids(given: list[str]) -> list[str]:
    if not all(map(is_session_id, given)):
        raise malformed("sessionIds", f"expected 1 to {LONGEST_SESSION_ID} characters without controls")
    if len(given) > api.MAX_LOOKUPS:
        raise malformed("sessionIds", f"at most {api.MAX_LOOKUPS} at once")
    return given


def _pairs(given: Mapping[str, Sequence[int]], asked: Sequence[str]) -> list[tuple[str, str]]:
    """Users and the conversations whose places they name."""
    users = _ids("pairs", given)
    if any(not 0 <= place < len(asked) for places in given.values() for place in places):
        raise malformed("pairs", "expected places in conversations")
    if sum(map(len, given.values())) > MOST_PAIRS:
        raise malformed("pairs", f"at most {MOST_PAIRS} at once")
    return [(user, asked[place]) for user, places in zip(users, given.values(), strict=True) for place in places]


def _as_of(given: str | None) -> int | None:
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise malformed("asOf", "expected asOf of the last answer")
    return int(given)


def endpoints(pool: Pool, announcer: MembershipAnnouncer, rules: Rules, seen: Seen) -> list[Endpoint]:
    handlers = Lookups(pool, announcer, rules, seen)
    return [
        question(api.SESSIONS, handlers.sessions, api.SessionsRequest, api.SessionsAnswer),
        question(api.HEADS, handlers.heads, api.HeadsRequest, api.HeadsAnswer),
        question(api.EVENTS, handlers.events, api.EventsRequest, api.EventsAnswer),
        question(api.RECEIPTS, handlers.receipts, api.ReceiptsRequest, api.ReceiptsAnswer),
        question(api.PEERS, handlers.peers, api.PeersRequest, api.PeersAnswer),
        question(api.CONVERSATIONS, handlers.conversations, api.ConversationsRequest, api.ConversationsAnswer),
        question(api.PURGE, handlers.purge, api.PurgeRequest, api.PurgeAnswer),
    ]
