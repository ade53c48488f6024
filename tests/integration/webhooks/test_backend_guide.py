"""docs/backend-guide.md: whoever does what it says has a bot that answers."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from persistence.webhooks.types import NAMED, STARRED
from services.embedded.ports import free_port
from tests.integration.webhooks.conftest import World
from tests.support.waiting import eventually

TEXT = (Path(__file__).parents[3] / "docs/backend-guide.md").read_text()
STEPS = re.findall(r"<!-- run -->\n```bash\n(.*?)```", TEXT, re.DOTALL)
BOT = re.findall(r"<!-- bot -->\n```python\n(.*?)```", TEXT, re.DOTALL)
ANN = "11111111-1111-4111-8111-111111111111"


async def shell(script: str, environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        "bash", "-euc", script, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, out.decode() + error.decode()
    return out.decode()


@asynccontextmanager
async def bot(folder: Path, environment: dict[str, str]) -> AsyncIterator[None]:
    (folder / "bot.py").write_text(BOT[0])
    process = await asyncio.create_subprocess_exec(sys.executable, folder / "bot.py", env=environment)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def test_whoever_follows_the_guide_has_a_bot_that_answers(world: World, tmp_path: Path) -> None:
    server = await world.rest.key("users", "conversations", "messages", "webhooks")
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PARLEY": world.rest.url,
        "KEY": server.key,
        "PORT": str(free_port()),
    }
    async with world.delivering():
        told = await shell("\n".join([*STEPS, 'printf "\\n%s %s %s" $SECRET $BOT $ROOM']), environment)
        secret, bot_id, room = told.splitlines()[-1].split()
        async with bot(tmp_path, environment | {"SECRET": secret, "BOT": bot_id}):
            ann = world.rest.person("Ann", ANN)
            await ann.send(room, "ping")

            async def texts() -> list[str]:
                await world.due_now()  # the bot may not have listened yet
                page = await ann.get(f"/api/conversations/{room}/messages")
                return [one["text"] for one in page["messages"]]

            async def is_answered() -> bool:
                return await texts() == ["Say ping", "ping", "pong"]

            await eventually(is_answered)


def test_the_guide_names_every_type_that_a_webhook_is_told() -> None:
    told = {*re.findall(r"`((?:message|conversation|member|webhook)\.\w+)`", TEXT)}

    assert told <= {*STARRED, *NAMED, "webhook.test"}
