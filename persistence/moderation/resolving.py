"""One decision on an item of the queue: whoever comes second is told that it was made."""

from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from persistence.audit import store as audit
from persistence.audit.store import Entry
from persistence.database.pool import Connection, Pool, transaction
from persistence.moderation import acts, items
from persistence.moderation.acts import Done, Order
from persistence.moderation.views import Action, Changed, Claimed, NoSuchItem, NotFor, WholeItem

MUTE_DAYS = 7
"""Where nobody says for how long."""

_ALLOWED: dict[str, frozenset[Action]] = {
    "message": frozenset({"dismiss", "delete", "mute", "ban", "delete_and_ban"}),
    "user": frozenset({"dismiss", "mute", "ban"}),
    "held": frozenset({"approve", "reject", "ban"}),
}


class Decision(NamedTuple):
    """`days`: for how long somebody is muted (MUTE_DAYS without it) or banned (for ever). `scope`: where they are
    muted. `version`: the item's as the moderator saw it; None: whatever it is."""

    action: Action
    note: str | None
    days: int | None
    scope: Literal["conversation", "all"]
    version: int | None


class Resolved(NamedTuple):
    item: WholeItem
    done: Done


Refused = NoSuchItem | Claimed | Changed | NotFor


async def resolve(pool: Pool, item_id: str, order: Order, decision: Decision) -> Resolved | Refused:
    """The item is held from the beginning, so of two moderators one decides. What takes a seq is the last step."""
    done = Done.nothing()
    async with transaction(pool) as connection:
        item = await items.hold(connection, item_id)
        if isinstance(item, NoSuchItem):
            return item
        refused = _judge(item, order, decision)
        if refused is not None:
            return refused
        await _act(connection, item, order, decision, done)
    found = await items.one(pool, item_id)
    return found if isinstance(found, NoSuchItem) else Resolved(found, done)


def _judge(item: WholeItem, order: Order, decision: Decision) -> Refused | None:
    if item.state == "resolved" or decision.version not in (None, item.version):
        return Changed()
    if item.claimed_by not in (None, order.actor.id):
        return Claimed(item.claimed_by or "")
    if decision.action not in _ALLOWED[item.kind]:
        return NotFor(f"an item of kind {item.kind} takes " + ", ".join(sorted(_ALLOWED[item.kind])))
    if decision.action == "mute" and item.conversation_id is None and decision.scope != "all":
        return NotFor("who was reported as a person is muted with the scope all")
    return None


async def _act(connection: Connection, item: WholeItem, order: Order, decision: Decision, done: Done) -> None:
    action, user_id = decision.action, item.author.id
    if action == "mute":
        where = item.conversation_id if decision.scope == "conversation" else None
        await acts.mute(connection, order, user_id, where, _until(decision.days or MUTE_DAYS), done)
    if action == "approve" and item.conversation_id is not None:
        await acts.approve(connection, item.conversation_id, item.target, done)
    # Nobody decides on a closed item again: what waited of who is banned is not left waiting.
    rejects = action == "reject" or (action == "ban" and item.kind == "held")
    if rejects and item.conversation_id is not None:
        await acts.reject(connection, order, user_id, item.conversation_id, item.target, done)
    message = None
    if action in ("delete", "delete_and_ban"):
        message = await acts.hold_message(connection, item.target, item.conversation_id)
    if action in ("ban", "delete_and_ban"):
        until = None if decision.days is None else _until(decision.days)
        await acts.ban(connection, order, user_id, until, done)
    await _close(connection, item, order, decision)
    if message is not None:
        await acts.delete(connection, order, message, done)


async def _close(connection: Connection, item: WholeItem, order: Order, decision: Decision) -> None:
    entry = Entry(f"review.{decision.action}", "item", item.id, order.reason, {"kind": item.kind})
    await audit.note(connection, order.actor, entry, order.request_id)
    await items.close(connection, item.id, order.actor.id, decision.action, order.reason, decision.note)
    if decision.action == "dismiss":
        acts.ACTIONS.labels("dismiss").inc()


def _until(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)
