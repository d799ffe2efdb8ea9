"""Tables of runs: look at one, or write it in another format."""

SECTION = "Runs"
