"""Conversations: starting, listing, hiding and removing them."""
