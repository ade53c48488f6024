import asyncpg
import msgspec

from gateway.websocket.codes import CloseCode
from shared import api, keys
from shared.redis import open_redis
from shared.wire import Kind, Membership, pack
from tests.integration.gateway.world import OwnSite, World


async def test_a_conversation_made_reaches_everyone_connected_anywhere_with_its_room(parley: World) -> None:
    one, two = await parley.gateway(), await parley.gateway()
    ann, ben = parley.person("ann"), parley.person("ben")
    phones = [await one.connect(ann), await two.connect(ben), await two.connect(ben)]
    conversation = await ann.start(ben)
    for phone in phones:
        frame = await phone.next("conversation.new")
        assert frame["conversationId"] == conversation
        assert {person["id"] for person in frame["conversation"]["participants"]} == {ann.id, ben.id}
    await ann.send(conversation, "hello")
    for phone in phones:
        assert await phone.messages(1) == [1]


async def test_a_hidden_conversation_is_left_on_every_device_and_a_message_still_arrives(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phones = [await site.connect(ann), await site.connect(ann)]
    await ann.delete(f"/api/conversations/{conversation}")
    for phone in phones:
        assert (await phone.next("conversation.left"))["conversationId"] == conversation
    await ben.send(conversation, "come back")
    for phone in phones:
        assert await phone.messages(1) == [1]


async def test_a_hidden_conversation_is_not_among_those_that_a_connect_names_until_a_message_brings_it_back(
    parley: World, site: OwnSite
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    await ben.send(conversation, "hello")
    await ann.delete(f"/api/conversations/{conversation}")
    phone = await site.connect(ann)
    assert (phone.frames[0]["conversationIds"], phone.frames[0]["heads"]) == ([], {})
    await ben.send(conversation, "come back")
    assert await phone.messages(1) == [2]
    assert (await site.connect(ann)).frames[0]["heads"] == {conversation: 2}


async def test_a_hiding_that_was_lost_is_healed_by_the_next_announcement(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)
    await hide_behind_the_scenes(database_url, ann.id, conversation)
    await ann.start(cid)
    assert (await phone.next("conversation.left"))["conversationId"] == conversation


async def test_a_return_that_was_lost_is_healed_by_the_next_announcement(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    conversation = await ann.start(ben)
    await ann.delete(f"/api/conversations/{conversation}")
    phone = await site.connect(ann)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE participants SET hidden = false WHERE conversation_id = $1", conversation)
    await connection.execute("UPDATE users SET version = version + 1 WHERE id = $1", ann.id)
    await connection.close()
    announced = await ann.start(cid)
    told = {(await phone.next("conversation.new"))["conversationId"] for _ in range(2)}
    assert told == {conversation, announced}


async def test_a_hiding_that_is_announced_after_a_message_had_brought_it_back_takes_only_what_was_before(
    parley: World, site: OwnSite, database_url: str
) -> None:
    """The process that hid it died before it said so: the relay does, seconds later."""
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)
    version = await hide_behind_the_scenes(database_url, ann.id, conversation)
    await ben.send(conversation, "come back")
    assert await phone.messages(1) == [1]
    late = msgspec.json.encode(Membership(conversation, hidden_seq=0))
    redis = open_redis(parley.redis_url)
    await redis.execute_command("SPUBLISH", keys.user(ann.id), pack(Kind.HIDDEN, late, seq=version))
    await redis.aclose()
    assert (await phone.next("conversation.left"))["conversationId"] == conversation
    back = (await phone.next("conversation.new"))["conversation"]
    assert (back["id"], back["lastSeq"]) == (conversation, 1)


async def hide_behind_the_scenes(database_url: str, user_id: str, conversation_id: str) -> int:
    """As if its announcement was lost; the user's version by now."""
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute(
            "UPDATE participants p SET hidden = true, hidden_seq = c.last_seq, hidden_ordinal = c.last_ordinal"
            " FROM conversations c"
            " WHERE c.id = p.conversation_id AND p.conversation_id = $1 AND p.user_id = $2",
            conversation_id,
            user_id,
        )
        version: int = await connection.fetchval(
            "UPDATE users SET version = version + 1 WHERE id = $1 RETURNING version", user_id
        )
    await connection.close()
    return version


async def test_a_purged_conversation_is_left_and_its_room_ends(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    conversation = await ann.start(ben)
    phone = await site.connect(ann)
    await parley.rest.ask_internal(api.PURGE, {"conversations": [conversation]})
    assert (await phone.next("conversation.left"))["conversationId"] == conversation
    answer = await phone.ask("join", conversationId=conversation)
    assert answer["code"] == "not_a_participant"
    assert site.gateway.own_stats().rooms == 0


async def test_rooms_and_users_end_with_their_last_socket(parley: World, site: OwnSite) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    await ann.start(ben)
    phones = [await site.connect(ann), await site.connect(ann), await site.connect(ben)]
    assert (site.gateway.own_stats().rooms, site.gateway.own_stats().users) == (1, 2)
    for phone in phones:
        await phone.leave()
    await site.gateway.acceptor.empty.wait()
    assert (site.gateway.own_stats().rooms, site.gateway.own_stats().users) == (0, 0)


async def test_an_announcement_that_was_lost_is_healed_by_the_next_one(
    parley: World, site: OwnSite, database_url: str
) -> None:
    """As if Redis had lost it: the change is in Postgres, and nobody was told."""
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    phone = await site.connect(ann)
    unannounced = await conversation_behind_the_scenes(database_url, ann.id, ben.id)
    announced = await ann.start(cid)
    told = {(await phone.next("conversation.new"))["conversationId"] for _ in range(2)}
    assert told == {unannounced, announced}
    await ben.send(unannounced, "hello")
    assert await phone.messages(1) == [1]


async def test_a_device_comes_again_where_a_conversation_came_and_went_unannounced(
    parley: World, site: OwnSite, database_url: str
) -> None:
    """It may show the conversation, from a list that it asked for in between; its next sync says that it is left."""
    ann, ben, cid = parley.person("ann"), parley.person("ben"), parley.person("cid")
    phone = await site.connect(ann)
    await come_and_go_behind_the_scenes(database_url, ann.id, ben.id)
    await ann.start(cid)
    assert await phone.closed() == CloseCode.RESTARTING


async def test_of_two_devices_only_the_one_that_may_have_seen_what_came_and_went_comes_again(
    parley: World, site: OwnSite, database_url: str
) -> None:
    ann, ben = parley.person("ann"), parley.person("ben")
    earlier = await site.connect(ann)
    await come_and_go_behind_the_scenes(database_url, ann.id, ben.id)
    later = await site.connect(ann)
    assert await earlier.closed() == CloseCode.RESTARTING
    assert (await later.ask("ping"))["type"] == "pong"


async def come_and_go_behind_the_scenes(database_url: str, *users: str) -> None:
    conversation = await conversation_behind_the_scenes(database_url, *users)
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute("DELETE FROM participants WHERE conversation_id = $1", conversation)
        await connection.execute("DELETE FROM conversations WHERE id = $1", conversation)
        await connection.execute("UPDATE users SET version = version + 1 WHERE id = ANY ($1::uuid[])", users)
    await connection.close()


async def conversation_behind_the_scenes(database_url: str, *users: str) -> str:
    connection = await asyncpg.connect(database_url)
    async with connection.transaction():
        await connection.execute("INSERT INTO users (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING", users)
        row = await connection.fetchval(
            "INSERT INTO conversations (id, is_group, created_by, members, created_at, updated_at)"
            " VALUES (gen_random_uuid(), false, $1, $2, now(), now()) RETURNING id",
            users[0],
            len(users),
        )
        await connection.execute(
            "INSERT INTO participants (conversation_id, user_id, joined_at) SELECT $1, unnest($2::uuid[]), now()",
            row,
            users,
        )
        await connection.execute("UPDATE users SET version = version + 1 WHERE id = ANY ($1::uuid[])", users)
    await connection.close()
    return str(row)
