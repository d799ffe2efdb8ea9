"""The configuration of one training run."""
