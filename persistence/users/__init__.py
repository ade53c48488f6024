"""People: who they are, whether they are here, and whose tokens are refused."""
