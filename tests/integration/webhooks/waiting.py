"""What tests of webhooks wait for."""

from tests.integration.rest.conftest import Rest


async def settled(rest: Rest) -> bool:
    """All that was committed was told to the followers."""
    waiting = "SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM user_outbox)"
    return not await rest.parts.pool.fetchval(waiting)
