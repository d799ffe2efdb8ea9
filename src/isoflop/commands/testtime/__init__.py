"""Compute at test time: what more samples buy, and how to spend them."""

SECTION = "After pretraining"
