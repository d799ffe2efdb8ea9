"""Ask a model's server over HTTP: the names of `isoflop.network` that backends are made with."""

from isoflop.network.server import Manners, Server, key_from, retry_after

__all__ = ["Manners", "Server", "key_from", "retry_after"]
