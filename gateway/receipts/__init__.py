"""How far this gateway's users have come: gathered from their frames, brought to persistence, never lost on the way."""
