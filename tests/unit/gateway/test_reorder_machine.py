"""Whatever Redis does to a room's events, they leave in order, each once, and none is lost."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.state.reorder import Reorder


class TightReorder(Reorder[bytes], gc=False, eq=False):
    """Little room, so that its bounds are met often."""

    MAX_EVENTS = 3
    MAX_BYTES = 14


def event(seq: int) -> bytes:
    return b"%d" % seq + b"." * (seq % 9)


class AnyDelivery(RuleBasedStateMachine):
    """A log that grows, a Redis that repeats, reorders and loses, and reads of the log that come late."""

    @initialize(head=st.integers(0, 5))
    def begin(self, head: int) -> None:
        self.reorder = TightReorder()
        self.head = head
        self.position: int | None = None
        self.shown = 0
        self.now = 0.0
        self.gap_first: int | None = None
        self.gap_since = 0.0

    def leaves(self, frames: Sequence[bytes]) -> None:
        """The model: after `position`, the only thing that may leave is the next event."""
        for frame in frames:
            assert self.position is not None, "nothing leaves before the head is known"
            self.position += 1
            assert frame == event(self.position)

    def known(self, seq: int) -> None:
        self.shown = max(self.shown, seq)

    @rule()
    def time_passes(self) -> None:
        self.now += 1.0

    @rule(count=st.integers(1, 6))
    def the_log_grows(self, count: int) -> None:
        self.head += count

    @precondition(lambda self: self.head > 0)
    @rule(data=st.data())
    def redis_delivers(self, data: st.DataObject) -> None:
        newest_first = data.draw(st.integers(0, min(self.head - 1, 8)))
        seq = self.head - newest_first
        self.known(seq)
        self.leaves(self.reorder.accept(seq, event(seq), self.now))

    @precondition(lambda self: self.position is not None)
    @rule()
    def the_next_one_arrives(self) -> None:
        assert self.position is not None
        if self.position < self.head:
            seq = self.position + 1
            self.known(seq)
            before = self.position
            self.leaves(self.reorder.accept(seq, event(seq), self.now))
            assert self.position > before, "the next event never waits"

    @rule(age=st.integers(0, 4))
    def a_connection_reads_the_head(self, age: int) -> None:
        head = max(0, self.head - age)
        if self.position is None:
            self.position = head
        self.known(head)
        self.leaves(self.reorder.start(head, self.now))

    @rule(age=st.integers(0, 4))
    def the_heads_are_checked(self, age: int) -> None:
        head = max(0, self.head - age)
        self.known(head)
        self.reorder.expect(head, self.now)

    @precondition(lambda self: self.reorder.gap is not None)
    @rule(page=st.integers(1, 10), overlap=st.integers(0, 3))
    def the_gap_is_fetched(self, page: int, overlap: int) -> None:
        gap = self.reorder.gap
        assert gap is not None
        first = max(1, gap.first - overlap)
        seqs = range(first, min(self.head, first + page - 1) + 1)
        self.known(seqs[-1])
        self.leaves(self.reorder.fill([(seq, event(seq)) for seq in seqs], self.now))

    @precondition(lambda self: self.reorder.gap is not None)
    @rule(late_by=st.integers(0, 6))
    def the_gap_is_given_up(self, late_by: int) -> None:
        gap = self.reorder.gap
        assert gap is not None
        seq = max(0, gap.last - late_by)
        self.position = max(self.position or 0, seq)
        self.leaves(self.reorder.skip_to(seq, self.now))

    @invariant()
    def what_is_known_and_not_forwarded_is_a_gap(self) -> None:
        """So nothing is lost: a caller who fetches every gap forwards every event that anything has shown to exist."""
        gap = self.reorder.gap
        if self.position is None:
            assert gap is None
            return
        assert self.reorder.forwarded == self.position
        assert (gap is not None) == (self.shown > self.position)
        if gap is not None:
            assert gap.first == self.position + 1
            assert gap.first <= gap.last <= self.shown

    @invariant()
    def a_gap_is_as_old_as_its_first_missing_event(self) -> None:
        gap = self.reorder.gap
        first = gap.first if gap else None
        if first != self.gap_first:
            self.gap_first, self.gap_since = first, self.now
        if gap is not None:
            assert gap.since == self.gap_since

    @invariant()
    def only_what_waits_is_held_and_within_bounds(self) -> None:
        late = self.reorder._late
        gap = self.reorder.gap
        if late is not None:
            assert gap is None or gap.last not in late.events
            assert all(seq > self.reorder.forwarded for seq in late.events)
            assert len(late.events) <= TightReorder.MAX_EVENTS
            assert late.size == sum(map(len, late.events.values())) <= TightReorder.MAX_BYTES

    def teardown(self) -> None:
        """Once everything was fetched, everything was forwarded."""
        if getattr(self, "position", None) is None:
            return
        while (gap := self.reorder.gap) is not None:
            seqs = range(gap.first, gap.last + 1)
            ready = self.reorder.fill([(seq, event(seq)) for seq in seqs], self.now)
            assert ready, "a fetched gap moves the room on"
            self.leaves(ready)
        assert self.position is not None
        assert self.position >= self.shown


AnyDelivery.TestCase.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
TestAnyDelivery = AnyDelivery.TestCase
