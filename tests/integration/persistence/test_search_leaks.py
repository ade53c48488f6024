"""Nobody finds what a page would not show them: random people and words among joins, removals, clearings, deletions and
blocks, against what their pages hold."""

import random

from persistence.blocks import store as blocks
from persistence.conversations import store as conversations
from persistence.database.pool import Pool
from persistence.groups import joins, leaves
from persistence.groups.views import By
from persistence.messages import deletions, edits, history
from persistence.messages import send as messages
from persistence.messages.views import HistoryPage, Message
from persistence.search import filling
from persistence.search.folding import fold
from persistence.search.store import Asked, search
from persistence.search.views import Results
from persistence.search.wanted import read
from tests.integration.persistence.talk import conversation, draft, made, people
from tests.integration.persistence.test_search_rows import RULES

STEPS, QUERIES = 250, 200
WORDS = ["Apfel", "Яблоко", "苹果树", "pomme", "التفاح", "ＡＰＰＬＥ", "crème", "x1"]


_ONE = "SELECT id, sender_id FROM messages WHERE conversation_id = $1 ORDER BY random() LIMIT 1"


async def test_nobody_ever_finds_what_their_pages_do_not_show(pool: Pool) -> None:
    dice = random.Random(24)
    users = await people(pool, 6)
    groups = [(await made(pool, users[0], users, is_group=True)).conversation.id for _ in range(3)]
    pairs = [await conversation(pool, users[0], other) for other in users[1:4]]
    await _live(dice, pool, users, groups, pairs)
    await filling.restart(pool)
    while await filling.fill(pool, 50):
        pass

    shown = {user: await _shown(pool, user, [*groups, *pairs]) for user in users}
    for _ in range(QUERIES):
        user, word = dice.choice(users), dice.choice(WORDS)
        word = word[: dice.randrange(1, len(word) + 1)]
        expected = sorted(text for text in shown[user] if fold(word) in fold(text))
        assert sorted(await _all(pool, user, word, dice.randrange(1, 20))) == expected, (user, word)


async def _live(dice: random.Random, pool: Pool, users: list[str], groups: list[str], pairs: list[str]) -> None:
    for _ in range(STEPS):
        user, room = dice.choice(users), dice.choice([*groups, *groups, *pairs])
        match dice.randrange(14):
            case 0:
                await conversations.hide(pool, user, room)
            case 1:
                await leaves.remove(pool, dice.choice(groups), By(dice.choice([user, users[0]])), user)
            case 2:
                await joins.add(
                    pool, dice.choice(groups), By(dice.choice(users)), [user], with_history=dice.random() < 0.3
                )
            case 3:
                await (blocks.block if dice.random() < 0.5 else blocks.unblock)(pool, *dice.sample(users, 2))
            case 4 | 5:
                await _touch(dice, pool, user, room)
            case _:
                text = " ".join(dice.sample(WORDS, dice.randrange(1, 4))) + f" {dice.random()}"
                await messages.send(pool, room, [draft(user, text, opaque=dice.random() < 0.1)])


async def _touch(dice: random.Random, pool: Pool, user: str, room: str) -> None:
    row = await pool.fetchrow(_ONE, room)
    if row is None:
        return
    match dice.randrange(3):
        case 0:
            await deletions.delete_for_all(pool, room, row["sender_id"], row["id"])
        case 1:
            await deletions.hide(pool, room, user, row["id"])
        case _:
            text = f"{dice.choice(WORDS)} edited {dice.random()}"
            await edits.edit(pool, room, row["sender_id"], row["id"], edits.Edit(text=text), RULES)


async def _shown(pool: Pool, user: str, rooms: list[str]) -> list[str]:
    """The texts of all pages of the conversations that the user is in, less those that are opaque."""
    texts = []
    for room in rooms:
        if await conversations.is_member(pool, user, room):
            page = await history.after(pool, user, room, seq=0, limit=10_000)
            assert isinstance(page, HistoryPage)
            seen = [one for one in page.messages if isinstance(one, Message)]
            texts += [one.text for one in seen if one.deleted_at is None and not one.opaque]
    return texts


async def _all(pool: Pool, user: str, word: str, limit: int) -> list[str]:
    texts, asked = [], Asked(limit=limit)
    while True:
        page = await search(pool, user, read(word), asked)
        assert isinstance(page, Results)
        texts += [one.message.text for one in page.results]
        if page.next is None:
            return texts
        asked = asked._replace(below=page.next)
