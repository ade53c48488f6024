"""What a group is called, how it is described, and how it is set."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from persistence.attachments import references
from persistence.attachments.references import Holder
from persistence.database.pool import Connection, Pool, Query, transaction
from persistence.groups.hold import Group, apply_settings, hold
from persistence.groups.views import AsBefore, By, Changed, NoSuchPicture, NotAGroup, NotAllowed
from persistence.log.append import append
from persistence.log.logged import Logged
from persistence.members.roles import may_edit, may_set
from persistence.members.settings import GroupSettings
from persistence.members.views import NotAMember
from shared.events.conversation_changed import CONVERSATION_CHANGED, ConversationChanged

_PICTURE = Query("picture_group", "UPDATE groups SET avatar = $2, avatar_url = $3 WHERE conversation_id = $1")
_DESCRIBE = Query("describe_group", "UPDATE groups SET description = $2 WHERE conversation_id = $1")
_SET = Query(
    "set_group",
    """
UPDATE groups SET add_by = $2, edit_by = $3, pin_by = $4, send_by = $5, expire_seconds = $6, slow_seconds = $7
WHERE conversation_id = $1
""",
)
# Right before the event, which locks the same row.
_NAME = Query("name_group", "UPDATE conversations SET name = $2 WHERE id = $1")
# The first message that ends by itself may follow this commit: from it on, whoever counts looks for such.
_EXPIRE = Query(
    "group_expires",
    "UPDATE conversations SET expired_xid = pg_current_xact_id() WHERE id = $1 AND expired_xid IS NULL",
)


class Picture(NamedTuple):
    """A file of the caller's own, announced as an avatar; and where it is fetched."""

    id: str
    url: str


class Wanted(NamedTuple):
    """What is UNSET stays. `settings` are those that change, by their names in GroupSettings."""

    name: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    settings: Mapping[str, Any] = {}
    picture: Picture | UnsetType | None = UNSET

    @property
    def edits(self) -> bool:
        return any(one is not UNSET for one in (self.name, self.description, self.picture))


async def change(
    pool: Pool, conversation_id: str, by: By, wanted: Wanted
) -> Changed | AsBefore | NotAMember | NotAGroup | NotAllowed | NoSuchPicture:
    """From the commit on it is so, for all. What is so already is no change, and no event."""
    async with transaction(pool) as connection:
        group = await hold(connection, conversation_id, by)
        if not isinstance(group, Group):
            return group
        if (wanted.edits and not may_edit(group.role, group.settings)) or (wanted.settings and not may_set(group.role)):
            return NotAllowed()
        now = _differing(group, wanted)
        if now == Wanted():
            return AsBefore()
        if not isinstance(now.picture, UnsetType) and not await _hang(connection, group, now.picture):
            return NoSuchPicture()
        return Changed(await _write(connection, group, now))


def _differing(group: Group, wanted: Wanted) -> Wanted:
    current = msgspec.structs.asdict(group.settings)
    return Wanted(
        UNSET if wanted.name == group.name else wanted.name,
        UNSET if wanted.description == group.description else wanted.description,
        {key: value for key, value in wanted.settings.items() if value != current[key]},
        UNSET if _address(wanted.picture) == group.avatar_url else wanted.picture,
    )


def _address(picture: Picture | UnsetType | None) -> str | UnsetType | None:
    return picture.url if isinstance(picture, Picture) else picture


async def _hang(connection: Connection, group: Group, picture: Picture | None) -> bool:
    """Whether it is the group's from now on; the one before goes after a day."""
    room, kept = group.conversation_id, [] if picture is None else [picture.id]
    if kept and not await references.hold(connection, group.by, kept, Holder.CONVERSATION_AVATAR, room, None):
        return False
    await references.release(connection, Holder.CONVERSATION_AVATAR, room, kept)
    await _PICTURE.rows(connection, room, *(picture or (None, None)))
    return True


async def _write(connection: Connection, group: Group, now: Wanted) -> Logged:
    settings: GroupSettings | UnsetType = UNSET
    if now.description is not UNSET:
        await _DESCRIBE.rows(connection, group.conversation_id, now.description)
    if now.settings:
        settings = msgspec.structs.replace(group.settings, **now.settings)
        await _SET.rows(connection, group.conversation_id, *msgspec.structs.astuple(settings))
        await apply_settings(connection, group.conversation_id)
    if now.name is not UNSET:
        await _NAME.rows(connection, group.conversation_id, now.name)
    if now.settings.get("expire_seconds") is not None:
        await _EXPIRE.rows(connection, group.conversation_id)
    told = UNSET if isinstance(settings, UnsetType) else msgspec.to_builtins(settings)
    body = ConversationChanged(group.people, now.name, now.description, _address(now.picture), told)
    return await append(connection, group.conversation_id, group.by, CONVERSATION_CHANGED, body)
