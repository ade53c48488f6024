"""The Redis link against a real Redis, through every fault that it must survive."""
