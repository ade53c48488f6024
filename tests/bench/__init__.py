"""Parley, the limit of the machine and other systems, measured side by side in one run: python -m tests.bench."""
