"""The workbench: the commands and their pages, served to one person's browser on this machine."""
