"""Whatever comes while Redis is being told: in the end it says of everybody what is so, and nobody is left over."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.presence.roster import Held, Roster
from gateway.state.user import id_of_channel

GRACE = 3.0
USERS = st.sampled_from([b"parley:user:ann", b"parley:user:ben", b"parley:user:cid"])
Taken = list[tuple[bytes, Held]]


class AnyTelling(RuleBasedStateMachine):
    """Users come, go and come back; Redis is told in batches, fails, forgets, and takes its time."""

    @initialize()
    def begin(self) -> None:
        self.roster = Roster(GRACE, lambda _: [])
        self.now = 0.0
        self.here: dict[bytes, int] = {}
        self.left_at: dict[bytes, float] = {}
        self.on_the_way: Taken | None = None
        self.redis: dict[str, int] = {}

    @rule(user=USERS)
    def somebody_comes(self, user: bytes) -> None:
        self.roster.arrive(user, [])
        self.here[user] = self.here.get(user, 0) + 1
        self.left_at.pop(user, None)

    @precondition(lambda self: self.here)
    @rule(data=st.data())
    def somebody_goes(self, data: st.DataObject) -> None:
        user = data.draw(st.sampled_from(sorted(self.here)))
        self.roster.depart(user, self.now, 0)
        self.here[user] -= 1
        if not self.here[user]:
            del self.here[user]
            self.left_at[user] = self.now

    @rule(seconds=st.sampled_from([0.5, GRACE]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.roster.expire(self.now)

    @rule()
    def redis_forgot_or_others_swept(self) -> None:
        self.redis.clear()
        self.roster.tell_all_again()

    @precondition(lambda self: self.on_the_way is None)
    @rule(most=st.integers(1, 3))
    def a_batch_leaves(self, most: int) -> None:
        self.on_the_way = self.roster.take(most)

    @precondition(lambda self: self.on_the_way is not None)
    @rule()
    def redis_is_told(self) -> None:
        assert self.on_the_way is not None
        for _, held in self.on_the_way:
            if held.connections is None:
                self.redis.pop(held.user_id, None)
            else:
                self.redis[held.user_id] = held.connections
        self.roster.told(self.on_the_way)
        self.on_the_way = None

    @precondition(lambda self: self.on_the_way is not None)
    @rule()
    def redis_is_away(self) -> None:
        assert self.on_the_way is not None
        self.roster.give_back(self.on_the_way)
        self.on_the_way = None

    @invariant()
    def who_left_lately_is_known_to_have(self) -> None:
        for user, left_at in self.left_at.items():
            assert self.roster.left_lately(user) or self.now >= left_at + GRACE

    def teardown(self) -> None:
        """Once Redis was told all, it says who is here, and knows nothing of whoever's grace is over."""
        if self.on_the_way is not None:
            self.redis_is_away()
        self.time_passes(GRACE)
        self.on_the_way = self.roster.take(2)
        self.redis_forgot_or_others_swept()
        self.redis_is_told()
        while self.roster.untold:
            self.on_the_way = self.roster.take(2)
            self.redis_is_told()
        assert self.redis == {id_of_channel(user): count for user, count in self.here.items()}
        assert not any(self.roster.left_lately(user) for user in self.left_at)


AnyTelling.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestAnyTelling = AnyTelling.TestCase
