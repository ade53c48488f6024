"""A gateway over real Redis, real Postgres and a real persistence, by real sockets."""
