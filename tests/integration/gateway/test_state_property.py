"""State + events = new state: after anything, what a client holds that applied what came live is what REST says."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from shared import api
from shared.ids import new_id
from tests.integration.gateway.screen import Screen, presence, truth
from tests.integration.gateway.test_faults import is_ready, through_a_proxy
from tests.integration.gateway.world import OwnSite, World
from tests.integration.rest.conftest import Person
from tests.support.fault_proxy import FaultProxy
from tests.support.waiting import eventually

KINDS = (
    "talk",
    "talk",
    "receive",
    "read",
    "read by rest",
    "type",
    "fall silent",
    "make a pair",
    "make a group",
    "hide",
    "purge",
    "turn off",
    "turn on",
    "lose the link",
)
Step = tuple[str, int, int]
STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 2), st.integers(0, 5)), min_size=8, max_size=24)


@dataclass
class Stage:
    """Three people; the first has two devices, on two gateways."""

    parley: World
    link: FaultProxy
    people: list[Person]
    screens: list[Screen]
    conversations: list[list[str]] = field(default_factory=list)
    purged: set[str] = field(default_factory=set)

    def conversation_of(self, person: Person, number: int) -> str | None:
        """One of theirs."""
        theirs = [one for one, *members in self.conversations if person.id in members and one not in self.purged]
        return theirs[number % len(theirs)] if theirs else None

    def screen_of(self, person: Person) -> Screen | None:
        """One of their devices that is on."""
        return next((one for one in self.screens if one.person is person and one.is_on), None)


async def talk(stage: Stage, person: Person, conversation: str) -> None:
    await person.send(conversation, "hello")


async def receive(stage: Stage, person: Person, conversation: str) -> None:
    await _report(stage, person, conversation, "delivered")


async def read(stage: Stage, person: Person, conversation: str) -> None:
    await _report(stage, person, conversation, "read")


async def _report(stage: Stage, person: Person, conversation: str, kind: str) -> None:
    """Of all that there is: past the end counts as the end."""
    screen = stage.screen_of(person)
    if screen is not None:
        await screen.phone.say(kind, conversationId=conversation, seq=2**40)


async def read_by_rest(stage: Stage, person: Person, conversation: str) -> None:
    page = await person.get(f"/api/conversations/{conversation}/messages")
    if page["messages"]:
        body = {"messageIds": [page["messages"][-1]["id"]], "status": "read"}
        await person.post(f"/api/conversations/{conversation}/messages/status", body)


async def type_(stage: Stage, person: Person, conversation: str) -> None:
    screen = stage.screen_of(person)
    if screen is not None:
        await screen.phone.say("typing", conversationId=conversation, isTyping=True)


async def fall_silent(stage: Stage, person: Person, conversation: str) -> None:
    screen = stage.screen_of(person)
    if screen is not None:
        await screen.phone.say("typing", conversationId=conversation, isTyping=False)


async def hide(stage: Stage, person: Person, conversation: str) -> None:
    await person.delete(f"/api/conversations/{conversation}")


async def purge(stage: Stage, person: Person, conversation: str) -> None:
    stage.purged.add(conversation)
    await stage.parley.rest.ask_internal(api.PURGE, {"conversations": [conversation]})


IN_A_CONVERSATION: dict[str, Callable[[Stage, Person, str], Awaitable[None]]] = {
    "talk": talk,
    "receive": receive,
    "read": read,
    "read by rest": read_by_rest,
    "type": type_,
    "fall silent": fall_silent,
    "hide": hide,
    "purge": purge,
}


async def take(stage: Stage, step: Step) -> None:
    kind, who, which = step
    person = stage.people[who]
    if kind in IN_A_CONVERSATION:
        conversation = stage.conversation_of(person, which)
        if conversation is not None:
            await IN_A_CONVERSATION[kind](stage, person, conversation)
    elif kind == "make a pair":
        await make(stage, person, [stage.people[(who + 1 + which % 2) % 3]])
    elif kind == "make a group":
        await make(stage, person, [one for one in stage.people if one is not person])
    elif kind == "lose the link":
        stage.link.cut()
    else:
        await switch(stage.screens[which % len(stage.screens)], on=kind == "turn on")


async def make(stage: Stage, person: Person, others: list[Person]) -> None:
    conversation = await person.start(*others, bountyId=new_id())
    stage.conversations.append([conversation, person.id, *(one.id for one in others)])


async def switch(screen: Screen, *, on: bool) -> None:
    if on and not screen.is_on:
        await screen.turn_on()
    elif not on:
        await screen.turn_off()


async def differences(screen: Screen) -> list[str]:
    """In what it shows something else than the routes say at this moment."""
    found = []
    shown, told = screen.shown(), await truth(screen.person)
    for key in shown.keys() | told.keys():
        if shown.get(key) != told.get(key):
            found.append(f"{key}: shows {shown.get(key)}, is {told.get(key)}")
    for user_id, is_online in (await presence(screen.person, screen.talks.values())).items():
        if screen.online.get(user_id) is not is_online:
            found.append(f"{user_id}: shows online {screen.online.get(user_id)}, is {is_online}")
    return found + [f"{typist} seems to type in {key}" for key, typist in screen.typing]


@dataclass(frozen=True)
class Sites:
    """Two gateways, and what the first one's link to Redis leads through."""

    one: OwnSite
    two: OwnSite
    link: FaultProxy


@pytest.fixture
async def sites(parley: World) -> AsyncIterator[Sites]:
    async with through_a_proxy(parley.redis_url) as (link, url):
        one, two = await parley.gateway(redis_url=url), await parley.gateway()
        await eventually(lambda: is_ready(one))
        yield Sites(one, two, link)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a smaller example would take minutes to find
    suppress_health_check=list(HealthCheck),
)
@given(steps=STEPS)
async def test_what_was_applied_live_is_what_the_routes_say(steps: list[Step], parley: World, sites: Sites) -> None:
    people = [parley.person(name) for name in ("ann", "ben", "cid")]
    places = ((people[0], sites.one), (people[0], sites.two), (people[1], sites.two), (people[2], sites.one))
    stage = Stage(parley, sites.link, people, [Screen(person, site) for person, site in places])
    for screen in stage.screens:
        await screen.turn_on()
    await make(stage, people[0], [people[1]])
    await make(stage, people[0], people[1:])
    note(str(steps))
    for step in steps:
        await take(stage, step)
    for screen in stage.screens:
        if screen.is_on:
            await settled(screen)
    for screen in stage.screens:
        await screen.turn_off()


async def settled(screen: Screen) -> None:
    left: list[str] = []

    async def is_right() -> bool:
        left[:] = await differences(screen)
        return not left

    try:
        await eventually(is_right, 4.0)
    except AssertionError:
        assert left == []
        raise
