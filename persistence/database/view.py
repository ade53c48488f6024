"""The base of what the stores give: the JSON objects of the contract. Times are ISO 8601 text with milliseconds."""

import msgspec


class View(msgspec.Struct, frozen=True, rename="camel", gc=False):
    pass
