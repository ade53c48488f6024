import asyncio

from tests.integration.gateway.world import World


async def test_typing_reaches_the_others_on_every_gateway_and_no_device_of_the_typist(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben, cid)
    typist, tablet = await one.connect(ann), await two.connect(ann)
    others = [await one.connect(ben), await two.connect(cid)]
    await typist.say("typing", conversationId=conversation, isTyping=True)
    for phone in others:
        frame = await phone.next("typing.start")
        assert (frame["senderId"], frame["senderHandle"], frame["conversationId"]) == (ann.id, "ann", conversation)
    await typist.say("typing", conversationId=conversation, isTyping=False)
    for phone in others:
        frame = await phone.next("typing.stop")
        assert (frame["senderId"], frame["senderHandle"]) == (ann.id, "ann")
    for phone in (typist, tablet):
        assert not [frame for frame in await phone.silence() if frame["type"].startswith("typing")]


async def test_a_message_ends_the_typing_of_its_sender(parley: World) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    typist, other = await site.connect(ann), await site.connect(ben)
    await typist.say("typing", conversationId=conversation, isTyping=True)
    await other.next("typing.start")
    await ann.send(conversation, "here it is")
    assert [(await other.next())["type"] for _ in range(2)] == ["typing.stop", "message.new"]


async def test_a_typist_whose_socket_drops_stops(parley: World) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    typist, other = await site.connect(ann), await site.connect(ben)
    await typist.say("typing", conversationId=conversation, isTyping=True)
    await other.next("typing.start")
    await typist.leave()
    await other.next("typing.stop", seconds=3)


async def test_a_typist_who_falls_silent_stops_by_itself(parley: World) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    typist, other = await site.connect(ann), await site.connect(ben)
    await typist.say("typing", conversationId=conversation, isTyping=True)
    await other.next("typing.start")
    begun = asyncio.get_running_loop().time()
    assert (await other.next("typing.stop", seconds=9))["senderHandle"] == "ann"
    assert 5 < asyncio.get_running_loop().time() - begun < 8


async def test_typing_said_over_rest_is_shown(parley: World) -> None:
    site = await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    other = await site.connect(ben)
    await ann.post(f"/api/conversations/{conversation}/typing", {"isTyping": True})
    frame = await other.next("typing.start")
    assert (frame["senderId"], frame["senderHandle"]) == (ann.id, "ann")
