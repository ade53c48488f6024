"""Delivers what happened to the app's backend; knows no database and no Redis, and asks persistence for work."""
