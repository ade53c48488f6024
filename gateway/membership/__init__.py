"""Who is in which room of this gateway: how a session comes into its rooms, and how changes reach it afterwards."""
