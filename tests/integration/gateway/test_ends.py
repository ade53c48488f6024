"""What is left of a session when its socket has ended."""

import gc
import sys
from collections.abc import Iterator

import pytest

from tests.integration.gateway.world import OwnSite, World
from tests.support.waiting import eventually


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def test_nothing_refers_to_a_session_that_ended_nor_to_its_rooms(
    parley: World, site: OwnSite, without_collector: None
) -> None:
    """The collector does not know them: what still referred to one would keep it for good."""
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    phone = await site.connect(ann)
    [session] = site.gateway.acceptor.sessions()
    held: list[object] = [session, session.user, *session.user.rooms, session.connection]
    assert len(held) == 4
    del session

    await phone.leave()
    await eventually(lambda: not site.gateway.acceptor.sessions())

    while held:
        await eventually(lambda: _references_besides_the_list(held) == 0)
        del held[0]


def _references_besides_the_list(held: list[object]) -> int:
    """To the first of them; the count knows of the list's and of its own."""
    return sys.getrefcount(held[0]) - 2
