"""What a gateway does not tell whom: how far others read, and when they were last here."""

from tests.integration.gateway.world import OwnSite, Phone, World
from tests.integration.rest.conftest import Person
from tests.support.waiting import eventually


async def wish(person: Person, **wishes: object) -> None:
    await person.post("/notifications/preferences", wishes)


def of(phone: Phone, kind: str) -> list[str]:
    return [frame["senderId"] for frame in phone.frames if frame["type"] == kind]


async def test_a_private_reader_hears_of_nobodys_reading_and_their_own_devices_hear_of_theirs(
    parley: World, site: OwnSite
) -> None:
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    room = await ann.start(ben, cid)
    await wish(ben, read_receipts=False)
    sender, private, tablet, public = [await site.connect(one) for one in (ann, ben, ben, cid)]
    await ann.send(room, "hello")
    for phone in (private, public):
        await phone.messages(1)
        await phone.ask("delivered", conversationId=room, seq=1)
    await private.ask("read", conversationId=room, seq=1)
    assert (await tablet.next("message.read"))["senderId"] == ben.id

    await public.ask("read", conversationId=room, seq=1)

    assert (await sender.next("message.read"))["senderId"] == cid.id
    await ann.send(room, "the end")
    for phone in (private, tablet):
        await phone.next_where(lambda frame: frame.get("text") == "the end")
        assert set(of(phone, "message.read")) == {ben.id}
        assert cid.id in of(phone, "message.delivered")
    assert of(sender, "message.read") == [cid.id]


async def test_a_wish_holds_from_then_on_without_a_reconnect_and_is_taken_back_so(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    room = await ann.start(ben)
    sender, reader = await site.connect(ann), await site.connect(ben)
    discretion = site.gateway._hub.discretion
    for number, private in enumerate((True, False), 1):
        await wish(ann, read_receipts=not private)
        await eventually(lambda private=private: bool(discretion._no_reads) == private)  # type: ignore[misc]
        await ann.send(room, f"m{number}")
        await reader.messages(1)
        await reader.ask("read", conversationId=room, seq=number)
        await reader.next_where(lambda frame, number=number: (frame["type"], frame["seq"]) == ("message.read", number))  # type: ignore[misc]

    assert (await sender.next("message.read"))["seq"] == 2
    for phone in (sender, reader):
        await phone.leave()
    await eventually(lambda: not discretion._no_reads)


async def test_of_a_crowd_a_private_reader_hears_how_far_all_have_it_and_not_how_far_all_read(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    others = [parley.person(f"p{n}") for n in range(50)]
    room = await ann.start(ben, *others)
    await wish(ben, read_receipts=False)
    sender, private = await site.connect(ann), await site.connect(ben)
    await ann.send(room, "hello")
    pool = parley.rest.parts.pool
    await pool.execute("UPDATE participants SET delivered_seq = 1, attended_seq = 1, read_seq = 1")
    parley.rest.parts.minima.moved(room)
    await parley.rest.parts.minima.tell()

    frames = [await phone.next("receipts.all") for phone in (sender, private)]

    assert [(one["deliveredUpTo"], one["readUpTo"]) for one in frames] == [(1, 1), (1, 0)]


async def test_nobody_hears_when_somebody_was_here_who_does_not_show_it_nor_do_they(parley: World) -> None:
    site = await parley.gateway(presence_grace_seconds=0.1)
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    await ann.start(ben, cid)
    await wish(ben, last_seen="nobody")
    phones = {one.id: await site.connect(one) for one in (ann, ben, cid)}

    async def offline(watcher: Person, other: Person) -> object:
        is_it = lambda frame: frame["type"] == "presence.update" and frame["userId"] == other.id  # noqa: E731
        while (frame := await phones[watcher.id].next_where(is_it))["isOnline"]:
            pass
        return frame["lastSeenAt"]

    await phones[cid.id].leave()
    assert await offline(ann, cid) is not None
    assert await offline(ben, cid) is None
    await phones[ben.id].leave()
    assert await offline(ann, ben) is None
