"""The kinds of durable events: a file for each, and the one list of them in `kinds.py`.

Persistence builds bodies and frames from these. A gateway imports none: the envelope's flags tell it all that it needs.
"""
