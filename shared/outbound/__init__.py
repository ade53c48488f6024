"""Calling out to addresses that others chose: none of them is one of our own network's."""
