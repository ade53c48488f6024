"""The shapes of profiles, and of the people whom one knows."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from persistence.profiles.store import Change, Person
from shared import texts
from shared.auth.profile import LONGEST_DISPLAY_NAME
from shared.http.errors import malformed
from shared.http.fields import SHOWN_PATTERN, WORD_PATTERN, Id

MOST_PEOPLE = 50

DisplayName = Annotated[
    str,
    Meta(
        pattern=SHOWN_PATTERN,
        min_length=1,
        max_length=LONGEST_DISPLAY_NAME,
        description="kept on one line, without control and bidi characters; something of it must show",
    ),
]


class ProfileEdit(msgspec.Struct, rename="camel"):
    """What is left out stays. `avatar`: a file of the caller that is ready, announced as an avatar; null: no picture.
    What one chose here counts, whatever one's token says."""

    display_name: DisplayName | None = None
    avatar: Id | UnsetType | None = UNSET

    def change(self, base_url: str) -> Change:
        """Raises ApiError 400 for a name of which nothing would show."""
        avatar = self.avatar.lower() if isinstance(self.avatar, str) else None
        return Change(
            None if self.display_name is None else _line(self.display_name),
            chooses_avatar=not isinstance(self.avatar, UnsetType),
            avatar=avatar,
            avatar_url=None if avatar is None else f"{base_url}/api/attachments/{avatar}",
        )


def _line(name: str) -> str:
    line = texts.line(name)
    if not line:
        raise malformed("displayName", "nobody would see anything of this name")
    return texts.shortened(line, LONGEST_DISPLAY_NAME)


class MeAnswer(msgspec.Struct):
    """The caller, as others see them."""

    user: Person


class PeopleQuery(msgspec.Struct):
    """Only those whose handle or display name holds `q`, in any case."""

    q: Annotated[str, Meta(pattern=WORD_PATTERN, max_length=200)] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, description=f"at most {MOST_PEOPLE}: more counts as {MOST_PEOPLE}")] = MOST_PEOPLE


class PeopleAnswer(msgspec.Struct):
    """Who was met lately first."""

    people: list[Person]
