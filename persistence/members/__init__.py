"""Who is in a conversation, and what each may do there."""
