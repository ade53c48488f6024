"""Clients and publishers: what the measured servers work for."""
