"""What tests of groups do all the time."""

from typing import Any

from tests.integration.rest.conftest import Person, Rest, _json


async def call(person: Person, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    return await _json(await person.ask(method, path, json=body), status)


async def patch(person: Person, path: str, body: Any, status: int = 200) -> Any:
    return await call(person, "PATCH", path, body, status)


def room(conversation_id: str) -> str:
    return f"/api/conversations/{conversation_id}"


def member(conversation_id: str, person: Person) -> str:
    return f"/api/conversations/{conversation_id}/members/{person.id}"


async def group(rest: Rest, *handles: str, **fields: Any) -> tuple[str, list[Person]]:
    """A group of people with these handles, whom Parley knows; the first one made it."""
    people = [rest.person(handle) for handle in handles]
    for person in people:
        await person.get("/api/conversations")
    return await people[0].start(*people[1:], isGroup=True, **fields), people


async def add(person: Person, conversation_id: str, *others: Person, status: int = 200, **fields: Any) -> Any:
    body = {"userIds": [one.id for one in others], **fields}
    return await person.post(f"{room(conversation_id)}/members", body, status)


async def appoint(person: Person, conversation_id: str, other: Person, role: str, status: int = 200) -> Any:
    return await patch(person, member(conversation_id, other), {"role": role}, status)


async def leave(person: Person, conversation_id: str, status: int = 200) -> Any:
    return await person.delete(member(conversation_id, person), status)


async def remove(person: Person, conversation_id: str, other: Person, status: int = 200) -> Any:
    return await person.delete(member(conversation_id, other), status)


async def roles(person: Person, conversation_id: str) -> dict[str, str]:
    page = await person.get(f"{room(conversation_id)}/members", limit=100)
    return {one["id"]: one["role"] for one in page["members"]}


async def events(person: Person, conversation_id: str, after: int = 0, **fields: Any) -> list[dict[str, Any]]:
    """Of a sync by who is at this place."""
    told = await person.post("/api/sync", {"conversations": {conversation_id: after}, **fields})
    found = told["conversations"].get(conversation_id)
    return [] if found is None else list(found["events"])


async def unread(person: Person, conversation_id: str) -> int:
    return int((await person.get(room(conversation_id)))["conversation"]["unreadCount"])


async def status(person: Person, conversation_id: str, message_id: str) -> str:
    page = await person.get(f"{room(conversation_id)}/messages")
    return str(next(one["status"] for one in page["messages"] if one["id"] == message_id))
