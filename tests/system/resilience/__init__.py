"""What a whole deployment owes its clients while one part of it is gone, at the size and for as long as one chooses."""
