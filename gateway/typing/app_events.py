"""What an app says to itself in a conversation: to all in the room, live, kept nowhere."""

from time import monotonic

from gateway.forwarding.hub import Hub
from gateway.publisher import Publisher
from gateway.state.room import Room
from gateway.state.session import Session
from shared import frames
from shared.setting_forms import Bucket
from shared.wire import Kind, pack

PEOPLE_OF_A_TOKEN = 10
"""One event is written to each of them: it costs a token, and one more for so many people."""


class AppEvents:
    """Limits each connection by a bucket of its own, so that an app's cursors and reactions do not stop its typing."""

    def __init__(self, hub: Hub, publisher: Publisher, bucket: Bucket) -> None:
        self._hub = hub
        self._publisher = publisher
        self._each_seconds = 1 / bucket.rate
        self._burst_seconds = bucket.burst / bucket.rate

    def say(self, session: Session, room: Room, name: str, data: bytes) -> bool:
        """Publishes it, at most once. False, and nothing is published, while the connection owes for earlier ones.

        `data` is valid JSON. What a large room costs beyond the burst is owed, so that one event always goes out.
        """
        now = monotonic()
        owed = max(session.events_owed_until - now, 0.0)
        if owed > self._burst_seconds:
            return False
        session.events_owed_until = now + owed + self._each_seconds * (1 + room.people / PEOPLE_OF_A_TOKEN)
        sender = session.user.user_id
        frame = frames.event(conversation_id=room.conversation_id, sender_id=sender, name=name, data=data)
        self._publisher.publish(room.channel, pack(Kind.EVENT, frame, sender=sender, epoch=self._hub.epoch_id))
        return True
