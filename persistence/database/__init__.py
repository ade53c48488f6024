"""The ground: the pool, queries, migrations, and what is kept for a while only."""
