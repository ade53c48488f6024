"""How each system is started, joined and published to."""
