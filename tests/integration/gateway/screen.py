"""What a client shows that holds its state and applies what comes live: the arithmetic of the contract, no more."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from gateway.websocket.codes import CloseCode
from tests.integration.gateway.world import Closed, Phone, Site
from tests.integration.rest.conftest import Person

Json = dict[str, Any]
Shown = dict[str, Json]


@dataclass
class Talk:
    """A conversation. `floor`: nothing up to there is shown; `delivered` and `read` are cursors, by user."""

    members: list[str]
    floor: int = 0
    messages: dict[int, str] = field(default_factory=dict)
    delivered: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)

    def apply(self, frame: Json) -> None:
        """A message, or a receipt. Whoever sends has read all up to it."""
        if frame["type"] == "message.new":
            self.messages[frame["seq"]] = frame["messageId"]
            self.advance("read", frame["senderId"], frame["seq"])
        elif frame["type"] in ("message.delivered", "message.read"):
            self.advance(frame["status"], frame["senderId"], frame["seq"])

    def advance(self, status: str, user_id: str, seq: int) -> None:
        self.delivered[user_id] = max(self.delivered.get(user_id, 0), seq)
        if status == "read":
            self.read[user_id] = max(self.read.get(user_id, 0), seq)

    def shown_to(self, user_id: str) -> Json:
        others = [one for one in self.members if one != user_id]
        read = self.read.get(user_id, 0)
        last = max(self.messages, default=0)
        return {
            "messages": dict(sorted(self.messages.items())),
            "lastMessage": self.messages.get(last),
            "lastSeq": max(last, self.floor),
            "readSeq": read,
            "unreadCount": sum(seq > read for seq in self.messages),
            "deliveredUpTo": min(self.delivered.get(one, 0) for one in others),
            "readUpTo": min(self.read.get(one, 0) for one in others),
        }


class Screen:
    """One device, from its `connected` on. `run` until cancelled."""

    def __init__(self, person: Person, site: Site) -> None:
        self.person = person
        self.site = site
        self.phone: Phone
        self.talks: dict[str, Talk] = {}
        self.online: dict[str, bool] = {}
        self.typing: set[tuple[str, str]] = set()
        self._reading: asyncio.Task[None] | None = None

    @property
    def is_on(self) -> bool:
        return self._reading is not None

    async def turn_on(self) -> None:
        await self._come_again()
        self._reading = asyncio.create_task(self._read(), name="screen")

    async def turn_off(self) -> None:
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
            await self.phone.leave()

    def shown(self) -> Shown:
        return {key: talk.shown_to(self.person.id) for key, talk in self.talks.items()}

    async def _read(self) -> None:
        while True:
            try:
                await self._apply(await self.phone.next(seconds=3600))
            except Closed as closed:
                if closed.code != CloseCode.RESTARTING:
                    return
                await self._come_again()

    async def _come_again(self) -> None:
        self.phone = await self.site.connect(self.person)
        self.typing = set()
        await self._load()

    async def _apply(self, frame: Json) -> None:
        kind, place = frame["type"], frame.get("conversationId", "")
        if kind in ("sync", "conversation.new") or (kind == "message.new" and place not in self.talks):
            await self._load()  # it was hidden, and a message brought it back
        elif kind == "conversation.left":
            self.talks.pop(place, None)
            self.typing = {(left, typist) for left, typist in self.typing if left != place}
        elif kind == "presence.update":
            self.online[frame["userId"]] = frame["isOnline"]
        elif kind.startswith("typing."):
            self._show_typing(place, frame["senderId"], is_typing=kind == "typing.start")
        elif place in self.talks:
            self.talks[place].apply(frame)

    def _show_typing(self, place: str, user_id: str, *, is_typing: bool) -> None:
        if is_typing:
            self.typing.add((place, user_id))
        else:
            self.typing.discard((place, user_id))

    async def _load(self) -> None:
        """What a client asks for when it cannot know better."""
        self.talks = await stored(self.person)
        self.online = await presence(self.person, self.talks.values())


async def stored(person: Person) -> dict[str, Talk]:
    """As the list and a sync from the beginning say."""
    listed = (await person.get("/api/conversations", limit=100))["conversations"]
    synced = (await person.post("/api/sync", {"conversations": {}}))["conversations"]
    return {one["id"]: _talk(person.id, one, synced[one["id"]]) for one in listed if one["id"] in synced}


def _talk(user_id: str, listed: Json, synced: Json) -> Talk:
    talk = Talk([one["id"] for one in listed["participants"]], floor=synced["firstSeq"] - 1)
    for frame in synced["events"]:
        talk.messages[frame["seq"]] = frame["messageId"]
    talk.advance("read", user_id, synced["readSeq"])
    for one in talk.members:
        if one != user_id:
            cursors = (synced.get("cursors") or {}).get(one, {})
            talk.advance("delivered", one, cursors.get("delivered", synced["deliveredUpTo"]))
            talk.advance("read", one, cursors.get("read", synced["readUpTo"]))
    return talk


async def presence(person: Person, talks: Iterable[Talk]) -> dict[str, bool]:
    """Of all with whom they talk: who is not known at this moment is asked for again, as a client does."""
    peers = {one for talk in talks for one in talk.members} - {person.id}
    known: dict[str, bool] = {}
    while asked := peers - known.keys():
        answer = await person.get("/api/presence", userIds=",".join(sorted(asked)))
        known |= {one["userId"]: one["isOnline"] for one in answer["presence"]}
        peers &= known.keys() | set(answer["unknown"])  # with whom they share a conversation no more
        await asyncio.sleep(0.05 if answer["unknown"] else 0)
    return known


async def truth(person: Person) -> Shown:
    """What the REST routes say, field by field, with nothing computed here that they give.

    The list and the sync are asked one after the other, so a change in between makes them tell two stories: that is a
    difference like any other, and must pass.
    """
    listed = (await person.get("/api/conversations", limit=100))["conversations"]
    synced = (await person.post("/api/sync", {"conversations": {}}))["conversations"]
    return {one["id"]: _told(one, synced[one["id"]]) for one in listed if one["id"] in synced}


def _told(listed: Json, synced: Json) -> Json:
    agreed = {key: listed[key] for key in ("lastSeq", "readSeq", "unreadCount")}
    if agreed != {key: synced[key] for key in agreed}:
        return {"two stories": (agreed, synced)}
    return {
        "messages": {frame["seq"]: frame["messageId"] for frame in synced["events"]},
        "lastMessage": (listed["lastMessage"] or {}).get("id"),
        "deliveredUpTo": synced["deliveredUpTo"],
        "readUpTo": synced["readUpTo"],
        **agreed,
    }
