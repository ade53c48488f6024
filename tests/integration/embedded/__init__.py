"""Postgres and Redis as `up` starts them."""
