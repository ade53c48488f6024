"""Members: who is out of a group is out."""

from collections.abc import Iterator, Sequence

from services.verify.checks.events import brief
from services.verify.history import DeviceHistory, Event, Truth


def who_is_out_is_out(devices: Sequence[DeviceHistory], truth: Truth) -> Iterator[str]:
    """No durable event after somebody's removal, and before they were added again, reached any device of theirs."""
    for absence in truth.absences:
        for device in devices:
            if device.user_id == absence.user_id:
                seen = [one.seq for one in device.steps if isinstance(one, Event) and absence.holds(one)]
                if seen:
                    yield (
                        f"{device.name} was out of {absence.conversation_id} above seq {absence.after},"
                        f" and got {brief(seen)}"
                    )
