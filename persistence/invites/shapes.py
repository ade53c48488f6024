"""The shapes of links as apps send them."""

from typing import Annotated

import msgspec
from msgspec import Meta

from persistence.invites.views import Invite, NewInvite

DEFAULT_SECONDS = 7 * 86_400
LONGEST_SECONDS = 90 * 86_400


class InviteRequest(msgspec.Struct, rename="camel"):
    """`expiresIn` in seconds, 7 days by default; `maxUses`: how many people come in by it, at most."""

    expires_in: Annotated[int, Meta(ge=60, le=LONGEST_SECONDS)] | None = None
    max_uses: Annotated[int, Meta(ge=1, le=1000)] | None = None


class InviteAnswer(msgspec.Struct):
    """With its token, which is not told again."""

    invite: NewInvite


class InvitesAnswer(msgspec.Struct):
    """The newest first."""

    invites: list[Invite]
