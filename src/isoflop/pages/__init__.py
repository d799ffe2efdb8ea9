"""Pages: one file for each kind of result, which turns it into a report."""
