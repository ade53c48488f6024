"""What other gateways, and this one, say of a user's presence, brought to the rooms that are held here."""

import msgspec
import structlog

from gateway.rooms.hub import Hub
from shared import frames, keys
from shared.wire import PREFIX_BYTES, PresenceChange

log = structlog.get_logger()

_changes = msgspec.json.Decoder(PresenceChange)


class PresenceUpdates:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def on_envelope(self, envelope: bytes) -> None:
        """One frame a room, not to the user's own devices."""
        try:
            change = _changes.decode(envelope[PREFIX_BYTES:])
        except msgspec.DecodeError as error:
            log.warning("unreadable presence", error=str(error))
            return
        user = keys.user(change.user_id).encode()
        for conversation_id in change.rooms:
            room = self._hub.room(conversation_id)
            # Most who come are alone in their rooms here: their friends are on other gateways.
            if room is not None and self._hub.has_others(room, user):
                frame = frames.presence_update(
                    conversation_id=conversation_id,
                    user_id=change.user_id,
                    is_online=change.is_online,
                    last_seen_at=change.last_seen_at,
                )
                self._hub.send_to_room(room, frame, "presence", skip=user)
