"""Three generators make a client of the document alone; each client sends, replies and syncs against the server."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

import pytest

from tests.integration.rest.conftest import Rest
from tests.support.tools import require_tool

MODULES = Path(__file__).parents[3] / "client" / "node_modules"
COMPILER = ("--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022", "--types", "node")

PYTHON = """
import json, sys
from parley_api.api.messages import send_message
from parley_api.api.sync import sync
from parley_api.client import AuthenticatedClient
from parley_api.models import NewMessage, SyncBody, SyncBodyConversations

url, token, room = sys.argv[1:]
with AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True) as client:
    said = send_message.sync(room, client=client, body=NewMessage(text="hello")).message
    send_message.sync(room, client=client, body=NewMessage(text="a reply", reply_to=said.id, client_id="python-1"))
    seen = sync.sync(client=client, body=SyncBody(conversations=SyncBodyConversations.from_dict({room: 0})))
print(json.dumps([[one["text"], one.get("replyTo")] for one in seen.conversations[room].to_dict()["events"]]))
"""

FETCH = """
import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

const [baseUrl, token, id] = process.argv.slice(2) as [string, string, string];
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
const params = { path: { id } };
const said = await client.POST('/api/conversations/{id}/messages', { params, body: { text: 'hello' } });
if (!said.data) throw new Error(said.error.code);
const { message } = said.data;
const body = { text: 'a reply', replyTo: message.id, clientId: 'fetch-1' };
await client.POST('/api/conversations/{id}/messages', { params, body });
const seen = await client.POST('/api/sync', { body: { conversations: { [id]: 0 } } });
const events = (seen.data?.conversations[id]?.events ?? []) as Record<string, unknown>[];
console.log(JSON.stringify(events.map(({ text, replyTo }) => [text, replyTo ?? null])));
"""

ORVAL = """
import { sendMessage, sync } from './orval.js';

const [url, token, id] = process.argv.slice(2) as [string, string, string];
const options = { headers: { Authorization: `Bearer ${token}` } };
// The document's own server: "/" of where the document came from.
const { fetch } = globalThis;
globalThis.fetch = (path, init) => fetch(new URL(String(path), url), init);
const said = await sendMessage(id, { text: 'hello' }, {}, options);
if (said.status !== 201) throw new Error(String(said.status));
await sendMessage(id, { text: 'a reply', replyTo: said.data.message.id, clientId: 'orval-1' }, {}, options);
const seen = await sync({ conversations: { [id]: 0 } }, options);
if (seen.status !== 200) throw new Error(String(seen.status));
const events = (seen.data.conversations[id]?.events ?? []) as Record<string, unknown>[];
console.log(JSON.stringify(events.map(({ text, replyTo }) => [text, replyTo ?? null])));
"""


@pytest.fixture
async def folder(rest: Rest, tmp_path: Path) -> Path:
    """The document of a server that runs, and nothing else of Parley's."""
    async with rest.http.get("/openapi.json") as answer:
        (tmp_path / "openapi.json").write_bytes(await answer.read())
    return tmp_path


@pytest.fixture
def modules(folder: Path) -> Path:
    """What `npm ci` in client/ installed."""
    require_tool("node", "nodejs")
    if not (MODULES / "openapi-fetch").exists():
        pytest.skip("client/node_modules is not installed (npm ci in client/)")
    (folder / "node_modules").symlink_to(MODULES)
    (folder / "package.json").write_text('{"type": "module"}')
    return folder / "node_modules" / ".bin"


async def test_openapi_python_client_makes_a_client_that_sends_replies_and_syncs(rest: Rest, folder: Path) -> None:
    # Its own way to format what it wrote is a linter's business.
    (folder / "config.json").write_text('{"post_hooks": []}')
    program = Path(sys.executable).with_name("openapi-python-client")
    options = ("--output-path", "parley_api", "--meta", "none", "--config", "config.json", "--fail-on-warning")
    await ran(folder, program, "generate", "--path", "openapi.json", *options)
    (folder / "talk.py").write_text(PYTHON)

    await talks(rest, folder, sys.executable, "talk.py")


async def test_openapi_typescript_and_orval_make_clients_that_send_reply_and_sync(
    rest: Rest, folder: Path, modules: Path
) -> None:
    await ran(folder, modules / "openapi-typescript", "openapi.json", "--output", "schema.d.ts")
    await ran(folder, modules / "orval", "--input", "openapi.json", "--output", "orval.ts", "--client", "fetch")
    (folder / "over_fetch.ts").write_text(FETCH)
    (folder / "over_orval.ts").write_text(ORVAL)
    await ran(folder, modules / "tsc", *COMPILER, "over_fetch.ts", "over_orval.ts")

    await talks(rest, folder, "node", "over_fetch.js")
    await talks(rest, folder, "node", "over_orval.js")


async def talks(rest: Rest, folder: Path, *program: str) -> None:
    ann, ben = rest.person(), rest.person("ben")
    room = await ann.start(ben)

    told: Any = json.loads(await ran(folder, *program, rest.url, ann.token, room))

    first, second = (await ben.get(f"/api/conversations/{room}/messages"))["messages"]
    assert [(first["text"], first["replyTo"]), (second["text"], second["replyTo"])] == [
        ("hello", None),
        ("a reply", first["id"]),
    ]
    assert told == [["hello", None], ["a reply", first["id"]]]


async def ran(folder: Path, *command: str | Path) -> bytes:
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdout=PIPE, stderr=STDOUT)
    try:
        async with asyncio.timeout(120):
            output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, output.decode()
    return output
