"""How a coverage curve goes on beyond its samples, and how that is checked."""
