"""Servers that are measured beside Parley: the limit, and what people build without it."""
