"""Reports of what people see, the queue of moderators, and what these do to messages and people."""
