"""What a gateway keeps of its rooms, users and sessions. Pure state: it subscribes nothing and asks nobody."""
