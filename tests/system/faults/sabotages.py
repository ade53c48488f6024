"""Ways to break one guarantee: exact replacements in the source, such as a tired engineer might make."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sabotage:
    """In `file` each first text of `changes` becomes the second; then `promise` does not hold any more.

    `tests` are those that notice. Without any, the laboratory does.
    """

    name: str
    promise: str
    file: str
    changes: tuple[tuple[str, str], ...]
    tests: tuple[str, ...] = ()

    def apply(self, source: Path) -> None:
        """Raises AssertionError unless each text is there exactly once."""
        path = source / self.file
        text = path.read_text()
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.name}: {text.count(old)} times in {self.file}: {old}"
            text = text.replace(old, new)
        path.write_text(text)


SABOTAGES = (
    Sabotage(
        "skip the relay",
        "what a dead process left is published",
        "services/delivering.py",
        (
            (
                """    tasks.periodically(RELAY_SECONDS, relay.sweep, name="relay")
""",
                "",
            ),
        ),
    ),
    Sabotage(
        "drop the gap fetch",
        "what Redis lost is read from the log",
        "gateway/gateway.py",
        (
            (
                """        self._tasks.spawn(self._gap_filler.run(), name="gaps")
""",
                "",
            ),
        ),
    ),
    Sabotage(
        "read the heads before the rooms are confirmed",
        "nothing falls between the head and the subscription",
        "gateway/membership/entry.py",
        (
            (
                """            await self._move(arrival, found.session.rooms)
            await self._check_count(arrival, counted)
            read = await self._lookups.heads(arrival.rooms, user.user_id)
""",
                """            read = await self._lookups.heads([room.id for room in found.session.rooms], user.user_id)
            await self._move(arrival, found.session.rooms)
            await self._check_count(arrival, counted)
""",
            ),
        ),
    ),
    Sabotage(
        "clamp a cursor late",
        "one past the end counts as the end at that moment",
        "gateway/session/receipt_frames.py",
        (
            (
                """        if command.seq <= room.head:
""",
                """        if command.seq:
""",
            ),
        ),
    ),
    Sabotage(
        "forward as it comes",
        "events of a conversation come in their order, each once",
        "gateway/forwarding/hub.py",
        (
            (
                """        ready = room.accept(seq, envelope, monotonic())
""",
                """        room.accept(seq, envelope, monotonic())
        ready = (envelope,)
""",
            ),
        ),
    ),
    Sabotage(
        "ignore the client id",
        "a retry sends nothing twice",
        "persistence/messages/list_routes.py",
        (
            (
                """client_id=given.named(), span""",
                """client_id=None, span""",
            ),
        ),
    ),
    Sabotage(
        "answer before the commit",
        "a 201 means committed",
        "persistence/messages/queue.py",
        (
            (
                """            return await messages.send_joined(await borrower.connection(), drafts)
""",
                """            connection = await self._pool.acquire()
            transaction = connection.transaction()
            await transaction.start()
            outcomes = await messages.send_joined(connection, drafts)

            async def commit() -> None:
                await asyncio.sleep(0.2)
                await transaction.commit()
                await self._pool.release(connection)

            self._commits = [*getattr(self, "_commits", []), asyncio.create_task(commit())]
            return outcomes
""",
            ),
        ),
    ),
    Sabotage(
        "let a cursor go back",
        "a cursor only goes forward",
        "persistence/receipts/cursors.py",
        (
            (
                """           greatest(read_seq, least(read, last_seq)) AS new_read
""",
                """           CASE WHEN read > 0 THEN least(read, last_seq) ELSE read_seq END AS new_read
""",
            ),
            (
                """ w.new_read > w.read_seq)
    RETURNING""",
                """ w.new_read <> w.read_seq)
    RETURNING""",
            ),
        ),
    ),
    Sabotage(
        "count the sender's own message as unread",
        "unread counts what lies above the read cursor",
        "persistence/messages/send_statement.py",
        (
            (
                """read_seq = last.seq, read_ordinal = last.ordinal,
""",
                """read_seq = last.seq,
""",
            ),
        ),
    ),
    Sabotage(
        "let the departed stay online",
        "who left is told offline",
        "gateway/membership/entry.py",
        (
            (
                """        if session.is_counted:
            self._presence.depart(user)
        user.sessions""",
                """        user.sessions""",
            ),
        ),
    ),
    Sabotage(
        "name on connect what its user hid",
        "each device shows the server's list",
        "gateway/membership/entry.py",
        (
            (
                """                    del settled[conversation_id]
""",
                """                    pass
""",
            ),
        ),
    ),
    Sabotage(
        "push nobody who is offline",
        "the silent are reached",
        "persistence/push/state.py",
        (
            (
                """        if offline:
            plan""",
                """        if not offline:
            plan""",
            ),
        ),
    ),
    Sabotage(
        "swallow an event in the relay",
        "what a dead process left is published, all of it",
        "persistence/log/event_relay.py",
        (
            (
                """        spans = [self._begun(event) for event in found.logged]
""",
                """        found = found._replace(logged=found.logged[1:], purged=[*found.purged, found.logged[0].key])
        spans = [self._begun(event) for event in found.logged]
""",
            ),
        ),
    ),
    Sabotage(
        "forget a flag",
        "an event that is no message brings back nothing that its reader hides",
        "persistence/log/envelopes.py",
        (
            (
                """        flags=event.flags,
""",
                "",
            ),
        ),
        ("tests/integration/gateway/test_touches.py",),
    ),
    Sabotage(
        "replay a follower after a deletion",
        "a follower that is told late finds nothing of what is deleted by then",
        "persistence/push/targets.py",
        (
            (
                """ AND {stands("m")}
    AND m.silent""",
                """
    AND m.silent""",
            ),
        ),
        ("tests/integration/pusher/test_withdrawals.py::test_a_deleted_message_is_not_pushed",),
    ),
    Sabotage(
        "answer a page without its place",
        "an answer says as of which event it is",
        "persistence/messages/history.py",
        (
            (
                """has_more, rows[0]["last_seq"])
""",
                """has_more, 0)
""",
            ),
        ),
    ),
)
