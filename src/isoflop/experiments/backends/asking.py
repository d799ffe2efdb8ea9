"""Ask a server over HTTP until it answers: tries, waits, limits of rate, and a key kept secret."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from isoflop.errors import EnvironmentFailure, NoAnswer, UsageError
from isoflop.files import BadJSON, parse_json

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

PATIENCE = 600.0  # [s] that one request waits, all in all, for a server that limits the rate
LONGEST_PAUSE = 30.0  # [s] between tries, unless the server names a time
AGAIN = {408, 409, 425, 429}  # and 500 upwards: the same request may succeed later


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server is asked.

    A try ends after `timeout` [s], whatever was read until then. The first pause between tries
    is `pause` [s], and every further one twice as long. `key` is sent as a bearer token.
    """

    at_once: int = 8
    timeout: float = 120.0
    tries: int = 6
    pause: float = 0.5
    key: str | None = None

    def __post_init__(self) -> None:
        """Refuse what asks nothing."""
        if min(self.at_once, self.tries) < 1 or not min(self.timeout, self.pause) > 0:
            raise UsageError(
                f"at once {self.at_once}, tries {self.tries}, timeout {self.timeout:g} s and "
                f"pause {self.pause:g} s must be above zero"
            )


def key_from(variable: str) -> str | None:
    """Return the key that an environment variable holds, None if it holds none."""
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"${variable} holds characters that no key has")
    return key or None


class Server:
    """A server at an address, asked many things at once; one that is told to wait, all wait."""

    def __init__(self, url: str, manners: Manners) -> None:
        self.url = _checked(url)
        self.manners = manners
        self.retried = 0
        self._open_from = 0.0  # when the server may be asked again, by the loop's clock
        self._client: httpx.AsyncClient | None = None

    async def post(self, path: str, body: Mapping[str, Any], read: Callable[[Any], T]) -> T:
        """Return what `read` makes of the JSON that answers a request.

        `read` raises ValueError for JSON that is no answer.
        Raises NoAnswer if all tries fail, EnvironmentFailure if the server turns us away.
        """
        failed, waited = 0, 0.0
        while True:
            await self._wait()
            wait, why, lasting = 0.0, "", False
            try:
                reply = await self._send(path, body)
                if reply.is_success:
                    return read(parse_json(reply.content))
                wait, why = self._refused(reply)
                limited = reply.status_code == 429
            except _faults() as error:
                why, limited, lasting = _said(error, self.manners.timeout), False, _is_bad(error)
            failed += not limited
            wait = wait or min(self.manners.pause * 2 ** max(failed - 1, 0), LONGEST_PAUSE)
            waited += wait if limited else 0.0
            if failed >= self.manners.tries or waited > PATIENCE:
                after = f"after {failed} tries" if not limited else "for too long"
                raise NoAnswer(f"{self.url}: {why} {after}", lasting)
            self.retried += 1
            await self._pause(wait, everybody=limited)

    async def close(self) -> None:
        """Close every connection."""
        if self._client is not None:
            await self._client.aclose()

    async def _send(self, path: str, body: Mapping[str, Any]) -> httpx.Response:
        import httpx

        if self._client is None:
            key = self.manners.key
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=None,
                limits=httpx.Limits(max_connections=self.manners.at_once),
                trust_env=not _is_here(self.url),  # no proxy leads to this machine
            )
        # Of the whole, so that a server which sends a byte now and then has stalled as well.
        async with asyncio.timeout(self.manners.timeout):
            return await self._client.post(self.url + path, json=body)

    def _refused(self, reply: httpx.Response) -> tuple[float, str]:
        """Return how long to wait before asking again, and why.

        Raises NoAnswer for this request, EnvironmentFailure for any.
        """
        code, said = reply.status_code, self._message(reply)
        why = f"{code} {reply.reason_phrase}{said}".strip()
        if code in AGAIN or code >= 500:
            wait = retry_after(reply.headers.get("retry-after", ""))
            if wait > PATIENCE:
                raise NoAnswer(f"{self.url}: {why}; it asks to wait for {wait:.0f} s", False)
            return wait, why
        if code in (401, 403):
            raise EnvironmentFailure(
                f"{self.url} wants another key: {why}; put it into the variable of the "
                "environment that --key-from names"
            )
        if code in (404, 405) or code < 400:
            raise EnvironmentFailure(
                f"{reply.url} is not there: {why}; check the model, and the address, which often "
                "ends in /v1"
            )
        raise NoAnswer(f"{self.url}: {why}", lasting=True)

    def _message(self, reply: httpx.Response) -> str:
        """Return what the server says is wrong, without the key, which some repeat."""
        try:
            found = parse_json(reply.content)
            found = found.get("error", found.get("detail", found))
            text = str(found.get("message", found) if isinstance(found, dict) else found)
        except (ValueError, AttributeError):
            text = reply.text
        if self.manners.key:
            text = text.replace(self.manners.key, "***")
        return f" ({' '.join(text.split())[:200]})" if text.strip() else ""

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        while (left := self._open_from - loop.time()) > 0:
            await asyncio.sleep(left + random.uniform(0, 0.1 * left))

    async def _pause(self, wait: float, everybody: bool) -> None:
        if everybody:
            now = asyncio.get_running_loop().time()
            self._open_from = max(self._open_from, now + wait)
        else:
            await asyncio.sleep(wait * random.uniform(0.75, 1.25))


def retry_after(text: str) -> float:
    """Return the seconds that a Retry-After header asks for, 0 where it says nothing readable."""
    from datetime import UTC, datetime

    try:
        wait = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        wait = (when.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    return wait if wait > 0 else 0.0


def _faults() -> tuple[type[Exception], ...]:
    import httpx

    return httpx.HTTPError, TimeoutError, ValueError, RecursionError


def _is_bad(error: Exception) -> bool:
    """Return whether an answer came and was none, rather than no answer at all."""
    import httpx

    return isinstance(error, ValueError | RecursionError | httpx.DecodingError)


def _said(error: Exception, timeout: float) -> str:
    """Return what went wrong in a few words."""
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(error, BadJSON):
        return f"what it answers is not JSON ({error})"
    if isinstance(error, ValueError):
        return str(error)
    more = f": {error}"[:200] if str(error) else ""
    return f"the connection failed ({type(error).__name__}{more})"


def _checked(url: str) -> str:
    """Return an address without its last slash.

    Raises UsageError for one that is none, or that holds secrets.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError(f"{url!r} is no address of a server, such as http://127.0.0.1:8000/v1")
    if "@" in parts.netloc or parts.query:
        raise UsageError("an address must hold no password and no key; put it into the environment")
    return url.rstrip("/")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
