"""Who is told by push: devices, preferences, the ledger, and push state."""
