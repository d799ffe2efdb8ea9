"""Statements that are widely repeated, recomputed."""
