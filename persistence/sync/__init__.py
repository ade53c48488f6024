"""Bringing a client up to date after any absence."""
