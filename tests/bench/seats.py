"""Who sits where: users, their connections and the rooms that they share. Pure; ids follow from numbers."""

import hashlib
import uuid
from dataclasses import dataclass


def user_id(number: int) -> str:
    return _id(f"user {number}")


def conversation_id(number: int) -> str:
    """As random as a real one: consecutive ids would be kind to an index."""
    return _id(f"conversation {number}")


def _id(name: str) -> str:
    return str(uuid.UUID(bytes=hashlib.md5(name.encode(), usedforsecurity=False).digest()))


@dataclass(frozen=True)
class Seats:
    """`rooms` of `members` each, over `connections` of as many users: each connects once, and may be in many rooms.

    `absent` more users are in rooms and never connect.
    """

    rooms: int
    members: int
    connections: int
    absent: int = 0

    @classmethod
    def filled(cls, rooms: int, members: int) -> "Seats":
        """Everyone is in one room."""
        return cls(rooms, members, rooms * members)

    @classmethod
    def with_absent_partners(cls, connections: int, rooms_each: int) -> "Seats":
        """Everyone is in so many rooms of two, with as many people who are connected elsewhere, or nowhere."""
        return cls(connections * rooms_each, 2, connections, absent=connections)

    def users_in(self, room: int) -> tuple[int, ...]:
        if self.absent:
            return (room % self.connections, self.connections + (room * 7) % self.absent)
        return tuple((room * self.members + member) % self.connections for member in range(self.members))

    def member(self, room: int, connection: int) -> int | None:
        """Which member of the room this connection is; None where it is not in it."""
        if self.absent:
            return 0 if room % self.connections == connection else None
        member = (connection - room * self.members) % self.connections
        return member if member < self.members else None

    def by_connection(self) -> list[list[int]]:
        """The rooms of each connection."""
        rooms: list[list[int]] = [[] for _ in range(self.users)]
        for room in range(self.rooms):
            for user in self.users_in(room):
                rooms[user].append(room)
        return rooms[: self.connections]

    @property
    def users(self) -> int:
        return self.connections + self.absent

    @property
    def listeners(self) -> int:
        """Deliveries of one event."""
        return 1 if self.absent else self.members
