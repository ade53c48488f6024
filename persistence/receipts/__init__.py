"""How far each participant has come."""
