"""Addresses of servers, which hold no secrets: they are printed, and written down."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from isoflop.errors import UsageError

EXAMPLE = "http://127.0.0.1:8000/v1"


def checked_address(url: str) -> str:
    """Return the address of a server without its last slash.

    Raises UsageError for one that is none, or that holds a password or a key; that is not said.
    """
    is_address = _is_address(url)
    authority = re.match(r"(?:[a-z][a-z0-9+.-]*:)?[/\\]*([^/\\]*)", url, re.IGNORECASE)
    user = "@" in (authority[1] if authority and is_address else url)
    if user or re.search("[?#]", url):
        raise UsageError(
            "an address must hold no user, no password and no key, neither before an @ nor after "
            f"a ? or #, as it is printed and written down; give it as {EXAMPLE}, and the key in "
            "the environment"
        )
    if not is_address:
        raise UsageError(
            f"{url!r} is no address of a server; one begins with http:// or https://, such as "
            f"{EXAMPLE}"
        )
    return url.rstrip("/")


def is_here(url: str) -> bool:
    """Return whether an address leads to this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(url: str) -> bool:
    import httpx

    try:
        parts = httpx.URL(url)
        port = parts.port or 1
    except (httpx.InvalidURL, ValueError):
        return False
    whole = bool(parts.host) and url.isprintable() and " " not in url
    return whole and parts.scheme in ("http", "https") and 0 < port < 2**16
