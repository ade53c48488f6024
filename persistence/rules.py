"""What a deployment decides about conversations and messages, and the routes hold to."""

from dataclasses import dataclass

from shared.settings import SYSTEM_USER_ID, Settings


@dataclass(frozen=True)
class Rules:
    """`direct_per_bounty`: two people have a conversation for each bounty, else one in all. `media_schemes` are those
    that a `mediaUrl` may have. `edit_seconds`: for how long an author may edit a message; `edit_history`: who may read
    what it said before, `members`, `author`, or `off`: nobody, and nothing of it is kept. `system_user_id`: of whom the
    system's messages are. `renames`: a user is called what their token says, even if the app's own server says else.
    `public_url` is where apps reach persistence; None: at the address of their request."""

    direct_per_bounty: bool = True
    media_schemes: tuple[str, ...] = ("https",)
    edit_seconds: float = 86_400.0
    edit_history: str = "author"
    system_user_id: str = SYSTEM_USER_ID
    renames: bool = True
    public_url: str | None = None


DEFAULT_RULES = Rules()


def rules_of(settings: Settings) -> Rules:
    return Rules(
        direct_per_bounty=settings.direct_per == "bounty",
        media_schemes=settings.media_url_schemes,
        edit_seconds=settings.edit_seconds,
        edit_history=settings.edit_history,
        system_user_id=settings.system_user_id,
        renames=settings.handle_source == "token",
        public_url=settings.public_url,
    )
