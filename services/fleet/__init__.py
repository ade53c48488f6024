"""Who runs: each process says so in Redis while it lives, and operators' commands read it. Nothing else needs it."""
