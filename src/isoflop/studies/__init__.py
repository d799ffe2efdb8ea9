"""What isoflop's own experiments show."""
