"""How a user is shown to others: names and a picture, their own or their token's, and to whom a change is told."""
