"""What moderators do outside the queue, each in a transaction of its own."""

from datetime import datetime

from persistence.database.pool import Pool, transaction
from persistence.moderation import acts
from persistence.moderation.acts import Done, Nobody, Order


async def delete(pool: Pool, order: Order, message_id: str) -> Done | Nobody:
    """The message, for all."""
    done = Done.nothing()
    async with transaction(pool) as connection:
        message = await acts.hold_message(connection, message_id)
        if message is None:
            return Nobody()
        await acts.delete(connection, order, message, done)
    return done


async def ban(pool: Pool, order: Order, user_id: str, until: datetime | None) -> Done:
    done = Done.nothing()
    async with transaction(pool) as connection:
        await acts.ban(connection, order, user_id, until, done)
    return done


async def unban(pool: Pool, order: Order, user_id: str) -> None:
    async with transaction(pool) as connection:
        await acts.unban(connection, order, user_id)


async def mute(pool: Pool, order: Order, user_id: str, conversation_id: str, until: datetime) -> Done | Nobody:
    done = Done.nothing()
    async with transaction(pool) as connection:
        is_there = await acts.mute(connection, order, user_id, conversation_id, until, done)
    return done if is_there else Nobody()


async def unmute(pool: Pool, order: Order, user_id: str, conversation_id: str) -> None:
    async with transaction(pool) as connection:
        await acts.unmute(connection, order, user_id, conversation_id)
