"""What the database says of itself."""

from persistence.database.pool import Database, Query

_EPOCH = Query("epoch", "SELECT epoch FROM meta")


async def epoch(database: Database) -> str:
    """The name of this database's line of history: another one means that it was restored. Also proves that it answers.

    Raises LookupError before the first migration.
    """
    row = await _EPOCH.row(database)
    if row is None:
        raise LookupError("the table meta is empty: restore it with a new epoch")
    return str(row["epoch"])
