"""Reward models: how far one may be optimised before true reward falls."""

SECTION = "After pretraining"
