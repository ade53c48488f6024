"""One module a workload: given a running system it gives numbers, by name."""
