"""Runs of your own: studies as files, planned, run, watched and extended."""

SECTION = "Runs"
