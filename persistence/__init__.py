"""Owns the truth: REST in front of Postgres, the outbox relay and the receipts. Knows no sockets and no push."""
