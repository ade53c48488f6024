"""Who types: told to those who are connected, and kept by nobody."""
