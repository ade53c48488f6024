"""The document is right about the server: valid by itself, and what schemathesis makes of it is answered as it says."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from openapi_spec_validator import validate

from persistence.keys.scopes import SCOPES
from tests.integration.rest.conftest import Rest

# Not its stateful phase: that takes DELETE for the end of a conversation, which is only hidden from the caller.
PHASES = "examples,coverage,fuzzing"
CASES = 12
PUBLIC = "/health"
# What no pattern can say, and whoever knows the format can make. No schema says which message is there to reply to.
FORMATS = """
import schemathesis
from hypothesis import strategies
from zoneinfo import available_timezones

schemathesis.openapi.format("time-zone", strategies.sampled_from(sorted(available_timezones())))


@schemathesis.hook
def map_body(context, body):
    if not isinstance(body, dict):
        return body
    known = {name: None for name in ("replyTo", "poster", "avatar") if is_id(body.get(name))}
    files, size = body.get("attachments"), body.get("size")
    if isinstance(files, list) and files and all(map(is_id, files)):
        known |= {"attachments": None, "text": body.get("text") or "x"}
    if isinstance(size, (int, float)) and 100 * 1024 * 1024 < size < 2**53:
        known["size"] = 1
    return {**body, **known}


def is_id(value):
    return isinstance(value, str) and len(value) == 36
"""

# An array in a path is a text, joined by commas, and as good a reaction as any.
CONFIGURATION = """
[[operations]]
include-path = "/api/conversations/{id}/messages/{message}/reactions/{emoji}"
checks.negative_data_rejection.enabled = false

# How large a file may be is a setting: above it is 413, whatever the document says.
[[operations]]
include-path = "/api/attachments"
checks.positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "413", "429"]

# Ids of files that nobody announced: 400, which no document can say. What is made for coverage passes no hook.
[[operations]]
include-path = "/api/conversations/{id}/messages"
include-method = "POST"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "401", "403", "404", "409", "429"]
"""


async def document(rest: Rest) -> Any:
    async with rest.http.get("/openapi.json") as answer:
        return await answer.json()


async def test_the_document_is_valid_openapi(rest: Rest) -> None:
    validate(await document(rest))


async def test_every_route_of_the_contract_is_in_the_document(rest: Rest) -> None:
    served = {(method, path) for path, operations in (await document(rest))["paths"].items() for method in operations}

    assert served >= {
        ("get", "/api/conversations"),
        ("post", "/api/conversations"),
        ("delete", "/api/conversations/{id}"),
        ("get", "/api/conversations/{id}/messages"),
        ("post", "/api/conversations/{id}/messages"),
        ("post", "/api/conversations/{id}/messages/status"),
        ("post", "/api/conversations/{id}/typing"),
        ("post", "/api/sync"),
        ("get", "/api/presence"),
        ("post", "/notifications/register-token"),
        ("delete", "/notifications/token"),
        ("get", "/notifications/preferences"),
        ("post", "/notifications/preferences"),
        ("get", "/api/me/devices"),
        ("delete", "/api/me/devices/{device}"),
        ("get", "/health"),
    }


async def test_the_document_describes_all_that_the_server_takes_under_names_for_programs(rest: Rest) -> None:
    told = await document(rest)
    shapes = told["components"]["schemas"]
    operations = [one for path in told["paths"].values() for one in path.values()]
    ids = [one["operationId"] for one in operations]

    assert {"replyTo", "clientId", "mediaUrl"} <= set(shapes["NewMessage"]["properties"])
    assert "time_zone" in shapes["PreferencesBody"]["properties"]
    assert {"sendMessage", "sync", "createConversation", "listMessages"} <= set(ids)
    assert len(ids) == len(set(ids))
    assert [one for one in ids if "_" in one] == []
    assert told["servers"][0]["url"] == "/"
    assert [(name, field) for name, shape in shapes.items() for field, one in shape.get("properties", {}).items()
            if "default" in one and one["default"] is None] == []  # fmt: skip


async def test_the_docs_page_names_every_route_and_loads_nothing_from_elsewhere(rest: Rest) -> None:
    async with rest.http.get("/docs") as answer:
        page = await answer.text()

    assert answer.content_type == "text/html"
    assert all(path in page for path in (await document(rest))["paths"])
    assert "http://" not in page
    assert "https://" not in page
    assert "<script" not in page


async def test_schemathesis_finds_nothing_in_the_routes_that_want_a_token(rest: Rest, tmp_path: Path) -> None:
    await schemathesis(rest, tmp_path, "--exclude-path", PUBLIC)


async def test_schemathesis_finds_nothing_in_the_public_routes(rest: Rest, tmp_path: Path) -> None:
    await schemathesis(rest, tmp_path, "--include-path", PUBLIC, "--exclude-checks", "ignored_auth")


async def test_schemathesis_finds_nothing_in_the_routes_of_server_keys(rest: Rest, tmp_path: Path) -> None:
    server = await rest.key(*SCOPES)
    # Not what takes away the key that asks, nor makes so many that none more may be.
    # The test of a webhook waits for a service that does not run here.
    options = ("--exclude-path", "/server/keys", "--exclude-path", "/server/webhooks/{webhook}/test")
    await schemathesis(rest, tmp_path, *options, token=server.key, document="/server/openapi.json")


async def schemathesis(
    rest: Rest, folder: Path, *options: str, token: str = "", document: str = "/openapi.json"
) -> None:
    """One user of many conversations runs it, or who has this token, as a stranger to all ids that it invents."""
    program = Path(sys.executable).with_name("schemathesis")
    (folder / "formats.py").write_text(FORMATS)
    (folder / "schemathesis.toml").write_text(CONFIGURATION)
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "formats", "PYTHONPATH": str(folder)}
    process = await asyncio.create_subprocess_exec(
        program, "run", f"{rest.url}{document}", "--phases", PHASES, "--checks", "all", "--seed", "3",
        "--max-examples", str(CASES), "--header", f"Authorization: Bearer {token or rest.person().token}", "--no-color",
        "--generation-database", "none", "--suppress-health-check", "too_slow", "--request-timeout", "10", *options,
        cwd=folder, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 240)
    assert process.returncode == 0, output.decode()
