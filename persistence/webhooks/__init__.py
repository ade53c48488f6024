"""Webhooks: whom the app's backend wants called, and what is to be told to each."""
