from tests.integration.gateway.world import OwnSite, World


async def test_a_message_reaches_the_other_member_and_the_own_devices_that_acknowledge(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone, tablet, old_app, other = (
        await site.connect(ann),
        await site.connect(ann),
        await site.connect(ann, acks=False),
        await site.connect(ben, acks=False),
    )
    sent = await ann.send(conversation, "hello", clientId="c1")
    for device in (phone, tablet, other):
        frame = await device.next("message.new")
        assert (frame["messageId"], frame["seq"], frame["clientId"]) == (sent["id"], 1, "c1")
        assert frame["senderHandle"] == "ann"
    assert "message.new" not in [frame["type"] for frame in await old_app.silence()]


async def test_connected_tells_who_and_how_far(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    for text in ("one", "two"):
        await ann.send(conversation, text)
    phone = await site.connect(ben)
    connected = phone.frames[0]
    assert connected["userId"] == ben.id
    assert connected["conversationIds"] == [conversation]
    assert connected["heads"] == {conversation: 2}
    assert connected["heartbeatSeconds"] == 25.0
    assert connected["maxFrameBytes"] == 65536


async def test_two_gateways_deliver_the_same_order(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = [await one.connect(ann), await two.connect(ben)]
    for number in range(20):
        await (ann, ben)[number % 2].send(conversation, f"{number}")
    for phone in phones:
        assert await phone.messages(20) == list(range(1, 21))
