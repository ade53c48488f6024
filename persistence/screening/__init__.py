"""What is asked before a message is sent or edited, where the operator wants it: words, and a hook of the app's own."""
