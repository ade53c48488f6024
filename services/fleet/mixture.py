"""Deployments that share a Redis without a prefix: they stand in one registry, and are told apart by their epochs."""

from collections.abc import Sequence

from services.fleet.process import Process


def mixture(processes: Sequence[Process]) -> str:
    """One line that names a process of each where there are several; empty else."""
    names = {process.epoch: process.name for process in reversed(processes) if process.epoch}
    if len(names) < 2:
        return ""
    shown = " and ".join(f"{name} (epoch {epoch[:8]})" for epoch, name in sorted(names.items()))
    return f"{len(names)} DEPLOYMENTS SHARE THIS REDIS without a REDIS_PREFIX: {shown}"
