"""The clients that people use: each talks, is closed, and closes."""

import asyncio
import json
from asyncio.subprocess import PIPE

import aiohttp
import pytest
import websockets
from websockets.asyncio.client import connect

from gateway.websocket.frames import ping_frame, text_frame
from tests.integration.websocket.site import Site
from tests.support.tools import require_tool
from tests.support.waiting import eventually

MESSAGES = ["", "hello", "κόσμε 🎉", "x" * 126, "y" * 65536]


async def test_websockets_talks_in_whole_and_fragmented_messages(any_site: Site) -> None:
    async with connect(any_site.url, ssl=any_site.tls) as client:
        for message in MESSAGES:
            await client.send(message)
            assert await client.recv() == message
        await client.send(["frag", "men", "ted"])
        assert await client.recv() == "fragmented"
        await (await client.ping(b"there?"))
    await eventually(lambda: any_site.listener.closed == [1000])


async def test_websockets_is_closed_with_our_code_and_reason(any_site: Site) -> None:
    async with connect(any_site.url, ssl=any_site.tls) as client:
        any_site.connection.send(text_frame(b"last words"))
        any_site.connection.close(4401, "token expired")
        assert await client.recv() == "last words"
        with pytest.raises(websockets.ConnectionClosedError) as closed:
            await client.recv()
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4401, "token expired")
    await eventually(lambda: any_site.listener.closed == [4401])


async def test_aiohttp_talks_answers_pings_and_closes(any_site: Site) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(any_site.url, ssl=any_site.tls or True) as client:
        for message in MESSAGES:
            await client.send_str(message)
            assert await client.receive_str() == message
        any_site.connection.send(ping_frame(b"there?"))
        await client.send_str("behind the pong")
        assert await client.receive_str() == "behind the pong"
        await eventually(lambda: any_site.listener.alive == 1)
        await client.close(code=3001, message=b"bye")
    await eventually(lambda: any_site.listener.closed == [3001])


async def test_aiohttp_is_closed_with_our_code(any_site: Site) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(any_site.url, ssl=any_site.tls or True) as client:
        any_site.connection.close(1012, "restarting")
        message = await client.receive()
        assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 1012, "restarting")
    await eventually(lambda: any_site.listener.closed == [1012])


NODE = """
const [url, messages] = JSON.parse(process.argv[1])
const heard = []
const socket = new WebSocket(url, ["bearer", "eyJ.x.y"])
socket.binaryType = "arraybuffer"
socket.onopen = () => { socket.send(new Uint8Array(0)); messages.forEach(message => socket.send(message)) }
socket.onmessage = event => {
  heard.push(event.data)
  if (heard.length === messages.length) socket.send("close me")
}
socket.onclose = event => {
  heard.pop()  // the answer to "close me"
  const { code, reason, wasClean } = event
  console.log(JSON.stringify({ heard, protocol: socket.protocol, code, reason, wasClean }))
}
socket.onerror = event => console.error(event.message)
"""


async def test_nodes_own_websocket_talks_and_is_closed_with_our_code_and_reason(site: Site) -> None:
    """Node's is undici's, and like a browser's in that it only knows what the standard API tells."""
    site.subprotocol = "bearer"
    arguments = ["--experimental-websocket", "--no-warnings", "-e", NODE, json.dumps([site.url, MESSAGES])]
    process = await asyncio.create_subprocess_exec(require_tool("node", "nodejs"), *arguments, stdout=PIPE, stderr=PIPE)
    try:
        await eventually(lambda: b"close me" in site.listener.texts or process.returncode is not None)
        if site.listener.connections:
            site.connection.close(4503, "session revoked")
        async with asyncio.timeout(10):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert errors == b""
    assert json.loads(output) == {
        "heard": MESSAGES,
        "protocol": "bearer",
        "code": 4503,
        "reason": "session revoked",
        "wasClean": True,
    }
    assert (site.listener.closed, site.listener.binaries, site.listener.alive) == ([4503], [], 1)
