"""Simulated clients that follow the contract, and the checker of what they saw."""
