"""How missing events are noticed and fetched: gaps, comparisons with Postgres, restores, what clients claim to have."""
