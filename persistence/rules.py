"""What a deployment decides about conversations and messages, and the routes hold to."""

from dataclasses import dataclass

from shared.settings import Settings


@dataclass(frozen=True)
class Rules:
    """`direct_per_bounty`: two people have a conversation for each bounty, else one in all. `media_schemes` are those
    that a `mediaUrl` may have. `edit_seconds`: for how long an author may edit a message; `edit_history`: who may read
    what it said before, `members`, `author`, or `off`: nobody, and nothing of it is kept."""

    direct_per_bounty: bool = True
    media_schemes: tuple[str, ...] = ("https",)
    edit_seconds: float = 86_400.0
    edit_history: str = "author"


DEFAULT_RULES = Rules()


def rules_of(settings: Settings) -> Rules:
    return Rules(
        settings.direct_per == "bounty", settings.media_url_schemes, settings.edit_seconds, settings.edit_history
    )
