"""Moderators and admins: who they are, and what only they may ask for."""
