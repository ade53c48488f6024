"""What operators do to a fleet that carries messages: every process restarted, two releases side by side, a Redis that
fails over, a storm after an outage."""
