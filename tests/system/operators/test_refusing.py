"""`python -m services kick` and `revoke`, against a fleet and against `up`."""

from pathlib import Path

import aiohttp
import jwt
import pytest

from shared.ids import new_id
from tests.support.fleet import fleet
from tests.support.person import Person
from tests.support.up import started_up
from tests.support.waiting import eventually
from tests.system.operators.command import command, settings_of
from tests.system.operators.seen import FAST, person

USER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


async def test_a_revoked_session_is_out_of_sockets_and_rest_of_every_process(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url, gateways=1, persistences=2, LEASE_SECONDS=FAST) as running:
        ada = person(running, http, "ada")
        elsewhere = Person(http, running.processes["persistence-2"].url, ada.token, user_id=ada.id)
        session = jwt.decode(ada.token, options={"verify_signature": False})["session_id"]
        # PERSISTENCE_URL is not among them: where persistence is, its processes say in Redis.
        operator = settings_of(running, "REDIS_URL", "SERVICE_TOKEN")
        async with ada.phone() as phone:
            outcome = await command("revoke", session, **operator)
            assert (outcome.code, outcome.out) == (0, f"{session}: revoked\n"), outcome.error
            await eventually(lambda: phone.socket.closed)
            assert phone.socket.close_code == 4503

        async def is_refused_everywhere() -> bool:
            return [(await one.call("GET", "/api/conversations"))[0] for one in (ada, elsewhere)] == [401, 401]

        await eventually(is_refused_everywhere)


async def test_a_kicked_user_comes_back_a_banned_one_does_not_and_an_absent_one_is_code_1(
    database_url: str, redis_url: str, logs: Path, http: aiohttp.ClientSession
) -> None:
    async with fleet(logs, database_url, redis_url) as running:
        ada = person(running, http, "ada")
        url = running.processes["persistence-1"].internal_url
        operator = {**settings_of(running, "SERVICE_TOKEN"), "PERSISTENCE_URL": url}

        absent = await command("kick", ada.id, **operator)
        assert (absent.code, absent.out) == (1, f"{ada.id} has no socket\n")
        async with ada.phone() as phone:
            kicked = await command("kick", ada.id, "--json", **operator)
            assert (kicked.code, kicked.json) == (0, {"online": True, "told": True})
            await eventually(lambda: phone.socket.closed)
            assert phone.socket.close_code == 1012
        async with ada.phone() as phone:
            banned = await command("kick", ada.id, "--ban", **operator)
            assert (banned.code, banned.out) == (0, f"{ada.id}: banned\n")
            await eventually(lambda: phone.socket.closed)
            assert phone.socket.close_code == 4502
        assert (await command("kick", ada.id, "--ban", **operator)).code == 1, "it was so already"
        assert (await command("kick", ada.id, "--unban", **operator)).code == 0
        async with ada.phone():
            pass


async def test_the_commands_find_an_up_by_its_data_folder(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with started_up(tmp_path / "data", tmp_path / "up.log") as running:
        user_id = new_id()
        ada = Person(http, running.url, running.token(user_id, "ada"), user_id=user_id)
        async with ada.phone() as phone:
            outcome = await command("kick", user_id, DATA_DIR=str(running.data))
            assert outcome.code == 0, outcome.out + outcome.error
            await eventually(lambda: phone.socket.closed)
        shown = await command("stats", "--data", str(running.data))
        assert [word in shown.out for word in ("gateway@", "persistence@", "pusher@")] == [True, True, True]


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (["kick", "ada"], {}, "USER"),
        (["kick", USER], {}, "SERVICE_TOKEN"),
        (["kick", USER], {"SERVICE_TOKEN": "x" * 16}, "REDIS_URL"),
        (["kick", USER], {"SERVICE_TOKEN": "x" * 16, "PERSISTENCE_URL": "http://127.0.0.1:1"}, "PERSISTENCE_URL"),
        (["revoke", ""], {}, "SESSION"),
        (["revoke", "x" * 129], {}, "SESSION"),
        (["revoke", "x", "--days", "0"], {}, "--days"),
        (["revoke", "x", "--days", "4000"], {}, "--days"),
    ],
)
async def test_a_mistake_is_one_line_that_names_it_and_exit_code_2(
    arguments: list[str], settings: dict[str, str], named: str, tmp_path: Path
) -> None:
    outcome = await command(*arguments, DATA_DIR=str(tmp_path), **settings)
    [line] = outcome.error.splitlines()
    assert (outcome.code, outcome.out) == (2, "")
    assert line.startswith("parley: ")
    assert named in line


async def test_a_wrong_service_token_is_named_and_not_shown(database_url: str, redis_url: str, logs: Path) -> None:
    async with fleet(logs, database_url, redis_url, gateways=0) as running:
        url = running.processes["persistence-1"].internal_url
        outcome = await command("kick", USER, PERSISTENCE_URL=url, SERVICE_TOKEN="a-wrong-one")
        assert (outcome.code, "SERVICE_TOKEN" in outcome.error, "a-wrong-one" in outcome.error) == (2, True, False)
