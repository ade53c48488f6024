"""What a member of the staff is."""

from enum import StrEnum


class Rank(StrEnum):
    """An admin may do whatever a moderator may."""

    MODERATOR = "moderator"
    ADMIN = "admin"

    def includes(self, wanted: "Rank") -> bool:
        return self is Rank.ADMIN or self is wanted
