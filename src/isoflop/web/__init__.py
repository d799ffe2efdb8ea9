"""The workbench: the commands and their pages, served to one person's browser on this machine."""

from isoflop.web.server import serve

__all__ = ["serve"]
