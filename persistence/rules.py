"""What a deployment decides about conversations and messages, and the routes hold to."""

from dataclasses import dataclass

from shared.settings import Settings


@dataclass(frozen=True)
class Rules:
    """`direct_per_bounty`: two people have a conversation for each bounty, else one in all. `media_schemes` are those
    that a `mediaUrl` may have."""

    direct_per_bounty: bool = True
    media_schemes: tuple[str, ...] = ("https",)


DEFAULT_RULES = Rules()


def rules_of(settings: Settings) -> Rules:
    return Rules(settings.direct_per == "bounty", settings.media_url_schemes)
