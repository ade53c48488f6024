"""Messages that a user keeps for themselves."""
