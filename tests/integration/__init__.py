"""One service at a time, against real Postgres and real Redis."""
