"""Groups that govern themselves: what they are called and how they are set, who comes in, leaves, and is what."""
