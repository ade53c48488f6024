"""The files of the schema, before any database sees them."""

from persistence.database.migrate import DIRECTORY, read


def test_each_migration_has_a_number_of_its_own_and_none_is_left_out() -> None:
    numbers = [int(migration.name[:4]) for migration in read(DIRECTORY)]

    assert numbers == list(range(1, len(numbers) + 1))
