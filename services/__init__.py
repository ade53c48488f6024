"""What runs: the command line and one composition root per process. Only here are things constructed."""
