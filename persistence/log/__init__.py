"""The log of each conversation: its durable events in one order, whatever their kind. Knows no feature."""
