"""The shapes of groups as apps send them. What they refuse stands in the OpenAPI document."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.conversations.shapes import readable_line
from persistence.groups.changes import Picture, Wanted
from persistence.members.settings import Who
from persistence.members.views import Role
from shared import texts
from shared.http.fields import LINE_PATTERN, TEXT_PATTERN, Id

MOST_ADDED = 100
"""People in one call."""
MAX_NAME = 100
MAX_DESCRIPTION = 500

Name = Annotated[
    str,
    Meta(
        pattern=LINE_PATTERN,
        max_length=MAX_NAME,
        description="blank means none; kept on one line, without control and bidi characters",
    ),
]
Description = Annotated[
    str,
    Meta(
        pattern=TEXT_PATTERN,
        max_length=MAX_DESCRIPTION,
        description="blank means none; no control characters but tab and newline",
    ),
]


class SettingsChange(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """What is left out stays, as does what is null: but for `expireSeconds`, where null means never."""

    add: Who | None = None
    edit: Who | None = None
    pin: Who | None = None
    send: Who | None = None
    expire_seconds: Annotated[int, Meta(ge=3600, le=7_776_000)] | UnsetType | None = UNSET
    slow_seconds: Annotated[int, Meta(ge=0, le=3600)] | None = None

    def named(self) -> dict[str, Any]:
        """Those that change, by their names in GroupSettings."""
        given = {name: getattr(self, name) for name in ("add", "edit", "pin", "send", "slow_seconds")}
        changed = {name: value for name, value in given.items() if value is not None}
        return (
            changed if isinstance(self.expire_seconds, UnsetType) else changed | {"expire_seconds": self.expire_seconds}
        )


class GroupChange(msgspec.Struct, rename="camel"):
    """What is left out stays; null clears. `avatar`: a file of the caller that is ready, announced as an avatar."""

    name: Name | UnsetType | None = UNSET
    description: Description | UnsetType | None = UNSET
    avatar: Id | UnsetType | None = UNSET
    settings: SettingsChange | None = None

    def wanted(self, base_url: str) -> Wanted:
        """Raises ApiError 400 where nothing of the name would show."""
        settings = {} if self.settings is None else self.settings.named()
        name = self.name if isinstance(self.name, UnsetType) else readable_line(self.name)
        return Wanted(name, self._described(), settings, self._picture(base_url))

    def _picture(self, base_url: str) -> Picture | UnsetType | None:
        if self.avatar is None or isinstance(self.avatar, UnsetType):
            return self.avatar
        avatar = self.avatar.lower()
        return Picture(avatar, f"{base_url}/api/attachments/{avatar}")

    def _described(self) -> str | UnsetType | None:
        if self.description is None or isinstance(self.description, UnsetType):
            return self.description
        text = self.description.replace("\r\n", "\n").strip()
        return None if texts.shows_nothing(text) else text


class NewMembers(msgspec.Struct, rename="camel"):
    """`history`: what those see who were never in the group. Who comes back sees what comes from then on."""

    user_ids: Annotated[list[Id], Meta(min_length=1, max_length=MOST_ADDED)]
    history: Literal["none", "all"] | None = None

    def people(self) -> list[str]:
        return sorted({one.lower() for one in self.user_ids})


class AddedAnswer(msgspec.Struct):
    """Who was not in the group before."""

    added: list[str]


class RoleChange(msgspec.Struct):
    role: Role
