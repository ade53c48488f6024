"""Finding messages again by their words: what is kept for that, how it is read, and how it stays true."""
