import asyncio

import jwt
import pytest

from persistence.push import devices
from persistence.push.preferences import MAX_TOGGLES
from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest

TOKEN = "/notifications/register-token"
PREFERENCES = "/notifications/preferences"
DEVICES = "/api/me/devices"


def session_of(person: Person) -> str:
    return str(jwt.decode(person.token, options={"verify_signature": False})["session_id"])


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


async def test_a_device_id_belongs_to_one_user_at_a_time_whatever_the_token(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    first, second, other = (f"ExpoPushToken[{new_id()}]" for _ in range(3))
    await ann.post(TOKEN, {"token": first, "deviceId": "the phone of both"})
    await ann.post(TOKEN, {"token": other, "deviceId": "ann's tablet"})

    await bob.post(TOKEN, {"token": second, "deviceId": "the phone of both"})

    assert [await owners(rest, token) for token in (first, second, other)] == [[], [bob.id], [ann.id]]


async def test_of_many_who_register_one_device_id_at_once_one_keeps_it(rest: Rest) -> None:
    people = [rest.person() for _ in range(8)]
    for person in people:
        await person.get(DEVICES)  # so that no request of the others has to make a user first

    bodies = [{"token": f"ExpoPushToken[{person.id}]", "deviceId": "phone"} for person in people]
    await asyncio.gather(*(person.post(TOKEN, body) for person, body in zip(people, bodies, strict=True)))

    assert len(await rest.parts.pool.fetch("SELECT FROM devices WHERE device_id = 'phone'")) == 1


async def test_who_lists_their_devices_sees_which_sign_in_registered_each(rest: Rest) -> None:
    ann = rest.person("ann")
    again = rest.person("ann", ann.id)
    await ann.post(TOKEN, {"token": "ExpoPushToken[one]", "deviceId": "phone", "platform": "ios"})
    await again.post(TOKEN, {"token": "ExpoPushToken[two]"})
    [_, before] = (await ann.get(DEVICES))["devices"]
    await ann.post(TOKEN, {"token": "ExpoPushToken[one]", "deviceId": "phone"})

    [phone, other] = (await ann.get(DEVICES))["devices"]

    assert set(phone) == {"id", "platform", "deviceId", "sessionId", "registeredAt", "lastSeenAt"}
    assert (phone["platform"], phone["deviceId"], phone["sessionId"]) == ("ios", "phone", session_of(ann))
    assert (other["platform"], other["deviceId"], other["sessionId"]) == (None, None, session_of(again))
    assert (phone["id"], phone["registeredAt"]) == (before["id"], before["registeredAt"])
    assert phone["lastSeenAt"] > before["lastSeenAt"] >= phone["registeredAt"]
    assert (await rest.person("bob").get(DEVICES)) == {"devices": []}


async def test_a_device_that_another_sign_in_registers_is_that_ones_and_new(rest: Rest) -> None:
    ann = rest.person("ann")
    again = rest.person("ann", ann.id)
    await ann.post(TOKEN, {"token": "ExpoPushToken[one]"})
    [before] = (await ann.get(DEVICES))["devices"]

    await again.post(TOKEN, {"token": "ExpoPushToken[one]"})

    [device] = (await ann.get(DEVICES))["devices"]
    assert device["sessionId"] == session_of(again)
    assert device["registeredAt"] > before["registeredAt"]


async def test_only_its_own_user_removes_a_device(rest: Rest) -> None:
    ann, bob = rest.person("ann"), rest.person("bob")
    await ann.post(TOKEN, {"token": "ExpoPushToken[one]"})
    await ann.post(TOKEN, {"token": "ExpoPushToken[two]"})
    [two, one] = (await ann.get(DEVICES))["devices"]

    assert (await bob.delete(f"{DEVICES}/{one['id']}", 404))["code"] == "not_found"
    assert await ann.delete(f"{DEVICES}/{one['id']}") == {"success": True, "devices": [two]}

    assert (await ann.delete(f"{DEVICES}/{one['id']}", 404))["code"] == "not_found"
    assert (await ann.delete(f"{DEVICES}/phone", 400))["field"] == "device"


async def test_toggles_of_the_apps_own_are_kept_and_given_back(rest: Rest) -> None:
    ann = rest.person("ann")
    own = {f"{name}_enabled": name != "payments" for name in ("bounties", "payments", "marketing", "system")}
    await ann.post(PREFERENCES, {"messages_enabled": False, **own, "theme": "dark"})

    changed = await ann.post(PREFERENCES, {"system_enabled": False, "marketing_enabled": None})

    del own["marketing_enabled"]
    kept = changed["preferences"]
    assert changed == await ann.get(PREFERENCES)
    assert {name: kept[name] for name in kept if name.endswith("_enabled")} == own | {
        "messages_enabled": False,
        "system_enabled": False,
    }
    assert "theme" not in kept
    assert "system_enabled" not in (await rest.person("bob").get(PREFERENCES))["preferences"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("x_enabled", "yes"), ("x_enabled", 1), ("x_enabled", {}), ("_enabled", True), ("x y_enabled", True)],
)
async def test_a_toggle_that_cannot_be_kept_names_itself_and_changes_nothing(
    rest: Rest, name: str, value: object
) -> None:
    ann = rest.person("ann")

    refused = await ann.post(PREFERENCES, {"messages_enabled": False, name: value}, 400)

    assert (refused["code"], refused["field"]) == ("malformed", name)
    assert (await ann.get(PREFERENCES))["preferences"]["messages_enabled"] is True


async def test_fifty_toggles_are_kept_and_one_more_is_refused_until_another_is_taken_back(rest: Rest) -> None:
    ann = rest.person("ann")
    await ann.post(PREFERENCES, {f"t{nth}_enabled": True for nth in range(MAX_TOGGLES)})

    assert "at most 50" in (await ann.post(PREFERENCES, {"more_enabled": True}, 400))["error"]

    await ann.post(PREFERENCES, {"more_enabled": True, "t0_enabled": None})
    kept = (await ann.get(PREFERENCES))["preferences"]
    assert "more_enabled" in kept
    assert "t0_enabled" not in kept


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


async def test_a_device_id_has_no_controls(rest: Rest) -> None:
    ann = rest.person("ann")

    for device_id in ("a\nb", "a\n", "\x1b[31m", "a\x00", "\x9b"):
        body = {"token": "ExponentPushToken[x]", "deviceId": device_id}
        assert (await ann.post("/notifications/register-token", body, 400))["field"] == "deviceId", ascii(device_id)
