"""What the API for the app's own server works on, beside the rest of persistence."""

from typing import NamedTuple

from persistence.webhooks.noting import Hooks
from persistence.webhooks.vault import Vault
from shared.outbound.guard import Allowed


class ServerParts(NamedTuple):
    hooks: Hooks
    vault: Vault
    allowed: Allowed
