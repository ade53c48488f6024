"""A backup that lacks the newest messages comes back under running processes."""

import asyncpg

Held = dict[int, str]


async def restore(url: str) -> dict[str, Held]:
    """As a backup would bring the database back: without the newest message of each conversation, in another epoch."""
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(
            "DELETE FROM messages m USING conversations c WHERE m.conversation_id = c.id AND m.seq = c.last_seq"
        )
        await connection.execute(
            "UPDATE conversations SET last_seq = last_seq - 1, last_ordinal = last_ordinal - 1 WHERE last_seq > 0"
        )
        await connection.execute(
            "UPDATE participants p SET delivered_seq = least(delivered_seq, last_seq),"
            " attended_seq = least(attended_seq, last_seq), read_seq = least(read_seq, last_seq),"
            " read_ordinal = least(read_ordinal, last_ordinal) FROM conversations c WHERE c.id = p.conversation_id"
        )
        await connection.execute("UPDATE meta SET epoch = gen_random_uuid()")
    await connection.close()
    return await messages(url)


async def messages(url: str) -> dict[str, Held]:
    """Of each conversation that is there: seq -> id."""
    connection = await asyncpg.connect(url)
    held: dict[str, Held] = {str(row["id"]): {} for row in await connection.fetch("SELECT id FROM conversations")}
    for row in await connection.fetch("SELECT conversation_id, seq, id FROM messages"):
        held[str(row["conversation_id"])][row["seq"]] = str(row["id"])
    await connection.close()
    return held
