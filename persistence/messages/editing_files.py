"""What an edit does to a message's files, and to the text and the address that stand for them."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from persistence.attachments import references
from persistence.attachments.views import Attachment, NoSuchFiles, Taken
from persistence.database.pool import Connection, Query
from persistence.messages.views import Message

_SHOW = Query(
    "show_files_of_edited",
    "UPDATE messages SET attachments = $3, placeholder = $4, media_url = $5 WHERE conversation_id = $1 AND seq = $2",
)


class Refiled(NamedTuple):
    """The message as it is to be, but for what else the edit changes. `text`: None where the words stay as they are."""

    message: Message
    text: str | None


async def refile(
    connection: Connection, message: Message, text: str | None, wanted: Sequence[str] | None, base_url: str
) -> Refiled | NoSuchFiles:
    """With these files, None for those it has. Locks the new ones: after the message's row, before the conversation's.
    A text that is empty then stands for the files."""
    if wanted is None and (text is None or not message.attachments):
        return Refiled(message, text)
    files = message.attachments if wanted is None else await _chosen(connection, message, wanted)
    if isinstance(files, NoSuchFiles):
        return files
    words = ("" if message.placeholder else message.text) if text is None else text
    placeholder = not words and bool(files)
    shown = Taken(files).placeholder if placeholder else words
    address = _address(message, files, base_url)
    refiled = msgspec.structs.replace(message, attachments=files, placeholder=placeholder, media_url=address)
    return Refiled(refiled, None if shown == message.text else shown)


async def show(connection: Connection, old: Message, new: Message) -> None:
    """Writes what `refile` found, where it is another than before."""
    place = connection, old.conversation_id, old.seq
    kept = {one.id for one in old.attachments}
    added = Taken([one for one in new.attachments if one.id not in kept])
    if added.files:
        await references.link(*place, added, placeholder=False)
    if kept - {one.id for one in new.attachments}:
        await references.drop_others(*place, [one.id for one in new.attachments])
    shown = Taken(new.attachments).encoded() if new.attachments else None
    if (old.attachments, old.placeholder) != (new.attachments, new.placeholder):
        await _SHOW.rows(*place, shown, new.placeholder or None, new.media_url)


async def _chosen(connection: Connection, message: Message, wanted: Sequence[str]) -> list[Attachment] | NoSuchFiles:
    known = {one.id: one for one in message.attachments}
    fresh = [one for one in wanted if one not in known]
    taken = await references.take(connection, message.conversation_id, message.sender_id, fresh)
    if isinstance(taken, NoSuchFiles):
        return taken
    known |= {one.id: one for one in taken.files}
    return [known[one] for one in wanted]


def _address(message: Message, files: Sequence[Attachment], base_url: str) -> str | None:
    """An address that stood for the first file stands for the first one of now; one of the app's own stays."""
    first = message.attachments[0].id if message.attachments else None
    is_own = message.media_url is not None and (first is None or not message.media_url.endswith(f"/{first}"))
    if is_own:
        return message.media_url
    return f"{base_url}/api/attachments/{files[0].id}" if files else None
