"""Servers of others: asked within limits of time and size, and never trusted with the terminal."""
