import pytest

from persistence.store import devices
from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest

TOKEN = "/notifications/register-token"


async def owners(rest: Rest, token: str) -> list[str]:
    return [
        row["user_id"] for row in await rest.parts.pool.fetch("SELECT user_id FROM devices WHERE token = $1", token)
    ]


async def forget(who: Person, token: str, status: int = 200) -> object:
    answer = await who.ask("DELETE", "/notifications/token", json={"token": token})
    assert answer.status == status
    return await answer.json()


@pytest.mark.parametrize("kind", ["ExponentPushToken", "ExpoPushToken"])
async def test_a_token_moves_to_whoever_registered_it_last(rest: Rest, kind: str) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    token = f"{kind}[{new_id()}]"

    for who in (ann, bob):
        body = {"token": token, "deviceId": "phone", "platform": "ios"}
        assert await who.post(TOKEN, body) == {"success": True}
        assert await owners(rest, token) == [who.id]

    assert await forget(ann, token) == {"success": True}
    assert await owners(rest, token) == [bob.id]
    await forget(bob, token)
    assert await owners(rest, token) == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a-token",
        "ExponentPushToken[]",
        "ExponentPushToken[a",
        "ExponentPushToken[a]\n",
        "[a]",
        " ExpoPushToken[a]",
        7,
    ],
)
async def test_what_is_no_expo_push_token_is_refused(rest: Rest, token: object) -> None:
    refused = await rest.person().post(TOKEN, {"token": token}, 400)

    assert (refused["code"], refused["field"]) == ("malformed", "token")


async def test_a_user_keeps_the_devices_registered_last(rest: Rest) -> None:
    ann = rest.person("ann")
    tokens = [f"ExpoPushToken[{new_id()}]" for _ in range(devices.MAX_DEVICES + 1)]
    for token in tokens:
        await ann.post(TOKEN, {"token": token})

    assert [await owners(rest, token) for token in tokens] == [[]] + [[ann.id]] * devices.MAX_DEVICES


async def test_preferences_keep_what_is_not_named(rest: Rest) -> None:
    ann = rest.person("ann")
    path = "/notifications/preferences"
    assert (await ann.get(path))["preferences"]["messages_enabled"] is True

    await ann.post(path, {"messages_enabled": False})
    changed = await ann.post(path, {"quiet_start": "22:00", "quiet_end": "07:30", "time_zone": "Europe/Berlin"})

    assert changed == await ann.get(path)
    assert changed["preferences"]["messages_enabled"] is False
    assert changed["preferences"]["quiet_end"] == "07:30"


@pytest.mark.parametrize(
    ("field", "value"),
    [("messages_enabled", "no"), ("quiet_start", "24:00"), ("time_zone", "Mars/Olympus"), ("preview", "some")],
)
async def test_a_preference_that_cannot_be_names_its_field(rest: Rest, field: str, value: str) -> None:
    refused = await rest.person().post("/notifications/preferences", {field: value}, 400)

    assert refused["field"] == field
