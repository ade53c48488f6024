"""Every error of Postgres has one meaning, wherever it is met."""

import asyncpg
import pytest
from asyncpg import exceptions

from persistence.database.pool import DATABASE_FAILURES
from persistence.database.sqlstates import MEANINGS, meaning

# Appendix A of Postgres' documentation, "PostgreSQL Error Codes".
CLASSES = {
    *("00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "20", "21", "22", "23", "24", "25", "26"),
    *("27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44", "53", "54", "55", "57", "58"),
    *("72", "F0", "HV", "P0", "XX"),
}
KNOWN = [
    kind
    for kind in vars(exceptions).values()
    if isinstance(kind, type) and issubclass(kind, asyncpg.PostgresError) and kind.sqlstate
]


def test_every_class_is_sorted_and_has_a_reason() -> None:
    assert {code for code in MEANINGS if len(code) == 2} == CLASSES
    assert all(one.reason for one in MEANINGS.values())


def test_what_except_catches_is_what_the_table_says() -> None:
    assert len(KNOWN) > 200
    wrong = [
        kind.__name__
        for kind in KNOWN
        if issubclass(kind, DATABASE_FAILURES) is not meaning(kind.sqlstate).temporary
        and kind is not asyncpg.InvalidCachedStatementError
    ]
    assert wrong == []


@pytest.mark.parametrize("sqlstate", ["55P03", "25006", "57014", "57P01", "53300", "40P01", "08006", "28P01", "57P99"])
def test_what_passes_is_said_to_be_temporary(sqlstate: str) -> None:
    assert meaning(sqlstate).temporary


@pytest.mark.parametrize("sqlstate", ["23505", "22P02", "42P01", "42501", "54000", "XX001", "QQ123", None])
def test_what_will_not_pass_is_final(sqlstate: str | None) -> None:
    assert not meaning(sqlstate).temporary
