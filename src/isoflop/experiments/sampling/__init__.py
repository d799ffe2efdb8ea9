"""Samples of language models: backends, judges and the bank that they fill."""
