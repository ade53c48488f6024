"""From the commit to Redis: publishing, the relay of what was not published, push state, and receipts coming back."""
