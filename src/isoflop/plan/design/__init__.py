"""Which runs to do next."""
