"""What a deployment decides about files."""

from dataclasses import dataclass, field

from shared.settings import Settings

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class FileRules:
    """`most_bytes` of a file, `user_bytes` of all that a user announces in a day. `public_url` and `media_url` are
    where clients reach persistence and media: None, at the address of their request. `link_key` signs links."""

    most_bytes: int = 100 * MEBIBYTE
    user_bytes: int = 1024 * MEBIBYTE
    grace_days: float = 7.0
    public_url: str | None = None
    media_url: str | None = None
    link_key: bytes = field(default=b"", repr=False)


DEFAULT_FILE_RULES = FileRules(link_key=b"of nobody")


def file_rules_of(settings: Settings) -> FileRules:
    return FileRules(
        settings.attachment_bytes,
        settings.attachment_user_bytes,
        settings.blob_grace_days,
        settings.public_url,
        settings.media_url,
        settings.link_key,
    )
