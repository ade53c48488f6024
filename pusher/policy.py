"""Who hears of a message by push, as one pure function that also says why not. No I/O, no clock of its own."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shared.push_api import Target

FRESH_SECONDS = 24 * 3600
"""A message that could not be pushed for a day is not news any more: the app shows it when it is opened."""


class Reason(StrEnum):
    """Why a user is, or is not, pushed. The words stand in the trace of a message, and as labels of a metric."""

    PUSH = "push"
    GONE = "message deleted"
    OWN = "own message"
    BANNED = "user banned"
    LEFT = "left the conversation"
    HIDDEN = "hid the conversation"
    BLOCKED = "sender blocked"
    READ = "read"
    ATTENDED = "delivered while looking"
    OFF = "notifications off"
    MUTED = "conversation muted"
    QUIET = "quiet hours"
    STALE = "too old"
    TOLD = "told before"
    REVOKED = "session revoked"
    NO_DEVICE = "no device"


@dataclass(frozen=True)
class Now:
    """The moment of the decision (ms since 1970)."""

    ms: int


def decide(target: Target | None, now: Now) -> Reason:
    """The first reason that applies, in the order of `Reason`; PUSH where none forbids it. None: there are no facts."""
    if target is None:
        return Reason.GONE
    for reason, applies in (
        (Reason.OWN, target.user_id == target.sender_id),
        (Reason.BANNED, target.banned),
        (Reason.LEFT, target.left),
        (Reason.HIDDEN, target.seq <= target.hidden_seq),
        (Reason.BLOCKED, target.blocked),
        (Reason.READ, target.read_seq >= target.seq),
        (Reason.ATTENDED, target.attended_seq >= target.seq),
        (Reason.OFF, not target.messages_enabled),
        (Reason.MUTED, _is_muted(target, now)),
        (Reason.QUIET, is_quiet(target.quiet_start, target.quiet_end, target.time_zone, now)),
        (Reason.STALE, now.ms - target.created_at_ms > FRESH_SECONDS * 1000),
        (Reason.TOLD, not target.devices and target.told_devices > 0),
        (Reason.REVOKED, not target.devices and target.revoked_devices > 0),
        (Reason.NO_DEVICE, not target.devices),
    ):
        if applies:
            return reason
    return Reason.PUSH


def _is_muted(target: Target, now: Now) -> bool:
    """A mention gets through where the user wanted it so."""
    is_muted = target.muted_until_ms is not None and target.muted_until_ms > now.ms
    return is_muted and not (target.mentions_only and target.mentioned)


def is_quiet(start: int | None, end: int | None, time_zone: str | None, now: Now) -> bool:
    """From start until before end, in the user's time zone; over midnight where the end is the smaller."""
    if start is None or end is None or start == end:
        return False
    minute = _minute_of_day(now, time_zone)
    return start <= minute < end if start < end else minute >= start or minute < end


def _minute_of_day(now: Now, time_zone: str | None) -> int:
    try:
        zone = ZoneInfo(time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        # A zone that this machine does not know (any more): UTC is wrong by hours, silence for ever would be worse.
        zone = ZoneInfo("UTC")
    local = datetime.fromtimestamp(now.ms / 1000, zone)
    return local.hour * 60 + local.minute
