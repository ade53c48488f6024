"""Who may do what in a group: each role, each action, each target, by REST, against the table of the contract."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest

from shared.ids import new_id
from tests.integration.rest.conftest import Person, Rest
from tests.integration.rest.groups import appoint, group, member, patch, room

ROLES = ("member", "admin", "owner")
SETTINGS = ("members", "admins")


class Scene(NamedTuple):
    """A group with one of each role who acts, and one of each who is acted upon."""

    id: str
    actors: dict[str, Person]
    targets: dict[str, Person]

    def path(self, rest: str = "") -> str:
        return room(self.id) + rest


async def scene(rest: Rest) -> Scene:
    made, people = await group(rest, "owner", "admin", "member", "owner2", "admin2", "member2")
    for person, role in zip(people[1:5], ("admin", "member", "owner", "admin"), strict=True):
        await appoint(people[0], made, person, role)
    actors = dict(zip(("owner", "admin", "member"), people[:3], strict=True))
    return Scene(made, actors, dict(zip(("owner", "admin", "member"), people[3:], strict=True)))


async def asked(person: Person, method: str, path: str, body: Any = None) -> int:
    """204 stands for every success: what counts is whether it was allowed."""
    response = await person.ask(method, path, json=body)
    if response.status == 403:
        assert (await response.json())["code"] == "not_allowed", path
    assert response.status < 300 or response.status == 403, (method, path, response.status, await response.text())
    return response.status


async def message(here: Scene, person: Person) -> str:
    """One that this person sent, whatever the settings: they are set before."""
    sent = await person.send(here.id, "a message")
    return here.path(f"/messages/{sent['id']}")


Act = Callable[[Scene, Person, Person], Awaitable[int]]
"""By somebody, to somebody."""


async def delete_others(here: Scene, actor: Person, target: Person) -> int:
    return await asked(actor, "DELETE", await message(here, target))


async def remove(here: Scene, actor: Person, target: Person) -> int:
    return await asked(actor, "DELETE", member(here.id, target))


async def promote(here: Scene, actor: Person, target: Person) -> int:
    return await asked(actor, "PATCH", member(here.id, target), {"role": "admin"})


async def demote(here: Scene, actor: Person, target: Person) -> int:
    return await asked(actor, "PATCH", member(here.id, target), {"role": "member"})


ON_OTHERS: dict[str, tuple[Act, dict[str, set[str]]]] = {
    "delete others'": (delete_others, {"member": set(), "admin": {"member", "admin"}, "owner": set(ROLES)}),
    "remove": (remove, {"member": set(), "admin": {"member"}, "owner": set(ROLES)}),
    "make an admin": (promote, {"member": set(), "admin": set(), "owner": set(ROLES)}),
    "make a member": (demote, {"member": set(), "admin": set(), "owner": set(ROLES)}),
}


async def rename(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "PATCH", here.path(), {"name": new_id()})


async def describe(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "PATCH", here.path(), {"description": new_id()})


async def add(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "POST", here.path("/members"), {"userIds": [new_id()]})


async def pin(here: Scene, actor: Person, other: Person) -> int:
    return await asked(actor, "PUT", await message(here, other) + "/pin")


async def send(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "POST", here.path("/messages"), {"text": "x"})


BY_SETTING: dict[str, tuple[Act, str]] = {
    "rename": (rename, "edit"),
    "describe": (describe, "edit"),
    "add": (add, "add"),
    "pin": (pin, "pin"),
    "send": (send, "send"),
}


async def edit_own(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "PATCH", await message(here, actor), {"text": "edited"})


async def delete_own(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "DELETE", await message(here, actor))


async def edit_others(here: Scene, actor: Person, other: Person) -> int:
    return await asked(actor, "PATCH", await message(here, other), {"text": "edited"})


async def react(here: Scene, actor: Person, other: Person) -> int:
    return await asked(actor, "PUT", await message(here, other) + "/reactions/%E2%AD%90")


async def hide(here: Scene, actor: Person, other: Person) -> int:
    return await asked(actor, "DELETE", await message(here, other) + "?for=me")


async def leave(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "DELETE", member(here.id, actor))


async def set_up(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "PATCH", here.path(), {"settings": {"slowSeconds": 0, "edit": "admins"}})


async def invite(here: Scene, actor: Person, _: Person) -> int:
    return await asked(actor, "POST", here.path("/invites"), {})


async def add_with_history(here: Scene, actor: Person, _: Person) -> int:
    await patch(here.targets["owner"], here.path(), {"settings": {"add": "members"}})
    return await asked(actor, "POST", here.path("/members"), {"userIds": [new_id()], "history": "all"})


ALL, GOVERNING, NOBODY = set(ROLES), {"admin", "owner"}, set[str]()
ALONE: dict[str, tuple[Act, set[str]]] = {
    "edit own": (edit_own, ALL),
    "edit others'": (edit_others, NOBODY),
    "delete own": (delete_own, ALL),
    "react": (react, ALL),
    "delete for me": (hide, ALL),
    "settings": (set_up, GOVERNING),
    "invites": (invite, GOVERNING),
    "history": (add_with_history, GOVERNING),
    "leave": (leave, ALL),
}


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_do_to_others_depends_on_what_those_are(rest: Rest, role: str) -> None:
    found = {}
    for target in ROLES:
        here = await scene(rest)
        for action, (act, _) in ON_OTHERS.items():
            if action == "remove":
                continue
            found[action, target] = await act(here, here.actors[role], here.targets[target]) != 403
        here = await scene(rest)
        found["remove", target] = await remove(here, here.actors[role], here.targets[target]) != 403

    assert found == {
        (action, target): target in may[role] for action, (_, may) in ON_OTHERS.items() for target in ROLES
    }


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_do_by_the_settings(rest: Rest, role: str) -> None:
    found = {}
    here = await scene(rest)
    for action, (act, setting) in BY_SETTING.items():
        for who in SETTINGS:
            await patch(here.targets["owner"], here.path(), {"settings": {setting: who}})
            found[action, who] = await act(here, here.actors[role], here.targets["owner"]) != 403

    assert found == {(action, who): who == "members" or role != "member" for action in BY_SETTING for who in SETTINGS}


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_do_whatever_the_settings(rest: Rest, role: str) -> None:
    here = await scene(rest)

    found = {
        action: await act(here, here.actors[role], here.targets["member"]) != 403 for action, (act, _) in ALONE.items()
    }

    assert found == {action: role in may for action, (_, may) in ALONE.items()}
