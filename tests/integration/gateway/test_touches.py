"""What happens to messages, from the request to the sockets."""

import orjson

from tests.integration.gateway.world import OwnSite, World
from tests.integration.rest.conftest import Person


async def edit(author: Person, conversation: str, message: str, text: str) -> None:
    path, body = f"/api/conversations/{conversation}/messages/{message}", {"text": text}
    assert (await author.ask("PATCH", path, data=orjson.dumps(body))).status == 200


async def test_an_edit_is_not_for_who_hides_the_conversation_and_does_not_bring_it_back(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    sent = await ben.send(conversation, "hello")
    phone, bens = await site.connect(ann), await site.connect(ben)
    await ann.delete(f"/api/conversations/{conversation}")
    await phone.next("conversation.left")

    await edit(ben, conversation, sent["id"], "hello, ann")

    assert (await bens.next("message.edited"))["text"] == "hello, ann"
    assert await phone.silence() == []


async def test_an_edit_reaches_the_other_devices_of_its_author_that_never_acknowledge(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    sent = await ann.send(conversation, "hello")
    phone = await site.connect(ann, acks=False)

    await edit(ann, conversation, sent["id"], "hello, ben")

    assert (await phone.next("message.edited"))["text"] == "hello, ben"
