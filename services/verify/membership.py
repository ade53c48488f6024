"""A group whose people are taken out and added again while messages fly, and between which events each was out."""

import asyncio
from collections.abc import Sequence

from services.verify.client import Device
from services.verify.history import Absence
from services.verify.rest import Json, Rest

TURNS = 3
SENDS = 8
"""Around each removal, and again while somebody is out."""


async def come_and_go(devices: Sequence[Device], name: str) -> list[Absence]:
    """The first device's user owns the group, the second's comes and goes, and is out at the end. Raises Refused."""
    owner, user_id = devices[0].rest, devices[1].history.user_id
    group = await owner.create([user_id], group=True, name=name)
    path = f"/api/conversations/{group}/members"
    for turn in range(TURNS):
        if turn:
            await owner.persist("POST", path, {"userIds": [user_id]})
        await asyncio.gather(_talk(owner, group, f"in {turn}"), owner.persist("DELETE", f"{path}/{user_id}"))
        await _talk(owner, group, f"out {turn}")
    return _absences(await _log(owner, group), group, user_id)


async def _talk(owner: Rest, group: str, words: str) -> None:
    for number in range(SENDS):
        text = f"verify {words} {number}"
        await owner.send(group, text, text)


async def _log(owner: Rest, group: str) -> list[Json]:
    """All events of the group, by seq."""
    found: list[Json] = []
    while True:
        after = found[-1]["seq"] if found else 0
        answer = await owner.persist("POST", "/api/sync", {"conversations": {group: after}})
        part = answer["conversations"].get(group)
        found += part["events"] if part else []
        if part is None or part["complete"]:
            return found


def _absences(log: Sequence[Json], group: str, user_id: str) -> list[Absence]:
    found: list[Absence] = []
    for event in log:
        if user_id in event.get("removed", ()):
            found.append(Absence(user_id, group, event["seq"]))
        if found and user_id in {one["id"] for one in event.get("added", ())}:
            found[-1] = found[-1]._replace(before=event["seq"])
    return found
