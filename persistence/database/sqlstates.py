"""What each error of Postgres means for who asked: sorted once, here, by SQLSTATE.

The classes are those of Appendix A of Postgres' documentation ("PostgreSQL Error Codes"); a code of five characters
stands where one differs from its class. What is in neither is final: a temporary error that is new to this table is one
500 that names it, a final one that is repeated as temporary is never noticed.
"""

from typing import Final, NamedTuple

import asyncpg


class Meaning(NamedTuple):
    """`temporary`: the same call may succeed later, 503 with Retry-After; else 500, or a 4xx of whoever expects it.
    `ends_session`: another session may be luckier at once, so this one is given up."""

    temporary: bool
    reason: str
    ends_session: bool = False


def _later(reason: str, *, ends_session: bool = False) -> Meaning:
    return Meaning(True, reason, ends_session)


def _final(reason: str) -> Meaning:
    return Meaning(False, reason)


MEANINGS: Final[dict[str, Meaning]] = {
    "00": _final("no error"),
    "01": _final("a warning"),
    "02": _final("no data: an answer, which no statement here asks for this way"),
    "03": _final("the statement is not complete yet: our fault"),
    "08": _later("the connection broke or was refused"),
    "09": _final("a triggered action: our schema has none"),
    "0A": _final("a feature that this server does not have"),
    "0B": _final("a transaction begun wrongly: our fault"),
    "0F": _final("a large object's locator: we have none"),
    "0L": _final("who may grant: the operator's"),
    "0P": _final("a role that there is not: the operator's"),
    "0Z": _final("diagnostics: our fault"),
    "20": _final("a CASE without a branch: our fault"),
    "21": _final("too many rows where one is wanted: our fault"),
    "22": _final("a value that its type does not hold"),
    "23": _final("a rule of the schema: the statement will break it again"),
    "24": _final("a cursor's state: our fault"),
    "25": _final("a transaction's state: our fault"),
    "25006": _later("a read-only server, or one that was the primary a moment ago", ends_session=True),
    "25P03": _later("the role's idle_in_transaction_session_timeout: this process was held up"),
    "25P04": _later("the role's transaction_timeout"),
    "26": _later("a prepared statement is gone: a pooler gave us another session", ends_session=True),
    "27": _final("data changed by a trigger: our schema has none"),
    "28": _later("the login is refused: a password or pg_hba.conf is being changed", ends_session=True),
    "2B": _final("privileges that others depend on: the operator's"),
    "2D": _final("a transaction ended wrongly: our fault"),
    "2F": _final("a routine: our schema has none"),
    "34": _final("a cursor's name: our fault"),
    "38": _final("an external routine: our schema has none"),
    "39": _final("an external routine's call: our schema has none"),
    "3B": _final("a savepoint: our fault"),
    "3D": _later("the database is not there: it is being restored", ends_session=True),
    "3F": _final("a schema that there is not: the operator's"),
    "40": _later("a deadlock or a serialization failure: the other one won"),
    "42": _final("syntax, a missing table or a missing privilege: a migration or a grant is missing"),
    "44": _final("WITH CHECK OPTION: our schema has none"),
    "53": _later("no memory, no disk or no connection left"),
    "54": _final("a statement beyond Postgres' limits"),
    "55": _final("an object's state: the statement does not fit it"),
    "55006": _later("an object is in use"),
    "55P03": _later("the role's lock_timeout: somebody else holds the row"),
    "57": _later("an operator, or a timeout of the role: shutdown, crash, cancelled, statement_timeout"),
    "58": _later("the server's own system: input or output failed", ends_session=True),
    "72": _later("a snapshot that became too old"),
    "F0": _final("a broken configuration file: the operator's"),
    "HV": _final("a foreign table: our schema has none"),
    "P0": _final("PL/pgSQL raised it: our schema does not"),
    "XX": _final("Postgres' own fault, or damaged data: nobody should go on as if nothing were"),
}

_UNKNOWN: Final = _final("an SQLSTATE that is not in the table")


def meaning(sqlstate: str | None) -> Meaning:
    code = sqlstate or ""
    return MEANINGS.get(code) or MEANINGS.get(code[:2], _UNKNOWN)


# What `except` catches, one asyncpg exception for each temporary line above; a test holds the two together.
TEMPORARY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.InvalidSQLStatementNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ObjectInUseError,
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.SnapshotTooOldError,
    asyncpg.InvalidCachedStatementError,  # 0A000 too: a migration changed what a statement gives
)
