"""Judges histories against the guarantees. Pure: the same histories give the same violations.

Each check is named after what it promises; a violation is one line that a person can follow up.
"""

from collections.abc import Callable, Iterator, Sequence

from services.verify.checks import events, lists, members, people, receipts
from services.verify.history import DeviceHistory, Truth

Check = Callable[[Sequence[DeviceHistory], Truth], Iterator[str]]

CHECKS: tuple[Check, ...] = (
    events.numbered_without_gaps,
    events.a_page_names_its_place,
    events.acknowledged_is_stored_once,
    events.nothing_lost,
    events.one_order_for_all,
    events.same_text_for_all,
    events.ended_is_gone,
    events.scheduled_is_sent_once,
    events.once_and_in_order_on_a_connection,
    events.an_open_connection_is_whole,
    lists.the_list_is_right,
    lists.what_comes_back_brings_its_message,
    members.who_is_out_is_out,
    receipts.receipts_point_at_what_exists,
    receipts.receipts_only_go_forward,
    receipts.receipts_cover_only_what_was_said,
    receipts.nobody_is_behind_all,
    receipts.receipts_are_stored,
    receipts.reports_are_stored,
    receipts.unread_is_right,
    receipts.unread_adds_up,
    people.presence_tells_the_truth,
    people.presence_is_told,
    people.the_silent_are_reached,
)


def violations(devices: Sequence[DeviceHistory], truth: Truth) -> list[str]:
    """Every violation of every guarantee; none where all of them held."""
    return [f"{check.__name__}: {found}" for check in CHECKS for found in check(devices, truth)]
