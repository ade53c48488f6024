"""How a user keeps a conversation in their list: archived, pinned, marked as unread."""
