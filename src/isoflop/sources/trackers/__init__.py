"""Stores of experiment trackers, one file each, read without the libraries that wrote them."""
