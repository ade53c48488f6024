"""Files: announced, uploaded through media, held by messages, and collected when nothing holds them."""
