"""How to spend compute at test time."""
