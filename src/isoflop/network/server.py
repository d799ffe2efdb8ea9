"""Ask a server over HTTP until it answers: tries, waits, limits of rate, and a key kept secret."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from isoflop.errors import EnvironmentFailure, IsoflopError, NoAnswer, UsageError
from isoflop.network.address import checked_address
from isoflop.network.reply import LARGEST, Reply, client, exchange, read_json
from isoflop.network.secret import Secret
from isoflop.terminal import printable

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
# What ends it all for a reply that no other try would change: address, status and why.
Refusal: TypeAlias = Callable[[str, int, str], IsoflopError]

LONGEST_PAUSE = 30.0  # [s] between tries, unless the server names a time
AGAIN = {408, 409, 425, 429}  # and 500 upwards: the same request may succeed later
MOST_AT_ONCE, MOST_TRIES, LONGEST_TIMEOUT = 4096, 1000, 86_400.0
SLACK = 2.0  # [s] more for a request than its tries and pauses: machines are busy
GOODBYE = 2.0  # [s] that closing connections may take


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server is asked.

    A try ends after `timeout` [s], whatever was read until then, and a request after `total` [s].
    The first pause between tries is `pause` [s], and every further one twice as long. `key` is
    sent as a bearer token.
    """

    at_once: int = 8
    timeout: float = 120.0
    tries: int = 6
    pause: float = 0.5
    key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Refuse what asks nothing, or for ever."""
        if min(self.at_once, self.tries) < 1 or not (self.timeout > 0 and self.pause > 0):
            raise UsageError(
                f"at once {self.at_once}, tries {self.tries}, timeout {self.timeout:g} s and "
                f"pause {self.pause:g} s must be above zero"
            )
        if self.at_once > MOST_AT_ONCE or self.tries > MOST_TRIES:
            raise UsageError(
                f"at once {self.at_once:,} and tries {self.tries:,} are too many; "
                f"{MOST_AT_ONCE:,} and {MOST_TRIES:,} are the most"
            )
        if max(self.timeout, self.pause) > LONGEST_TIMEOUT:
            raise UsageError(
                f"timeout {self.timeout:g} s and pause {self.pause:g} s must be at most "
                f"{LONGEST_TIMEOUT:,.0f} s, a day"
            )

    @property
    def total(self) -> float:
        """What a request may take [s], all its tries and the pauses between them together."""
        pauses = min(self.pause * 2.0**self.tries, LONGEST_PAUSE * self.tries)
        return self.tries * self.timeout + 1.25 * pauses + SLACK

    def pause_after(self, tries: int) -> float:
        """Return the pause [s] after so many tries."""
        return min(self.pause * 2.0 ** (tries - 1), LONGEST_PAUSE)


def completed(work: Coroutine[Any, Any, T]) -> T:
    """Return what asynchronous work comes to, also where a loop runs, as it does in notebooks."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def key_from(variable: str) -> str | None:
    """Return the key that an environment variable holds, None if it holds none."""
    key = os.environ.get(variable, "").strip()
    if not key.isascii() or not key.isprintable():
        raise UsageError(f"${variable} holds characters that no key has")
    return key or None


def refusal(url: str, status: int, why: str) -> IsoflopError:
    """Return what a reply of a model's server ends: all requests, or this one."""
    if status in (401, 403):
        return EnvironmentFailure(
            f"{url} wants another key: {why}; put it into the variable of the "
            "environment that --key-from names"
        )
    if status in (404, 405) or status < 400:
        return EnvironmentFailure(
            f"{url} is not there: {why}; check the model, and the address, which often ends in /v1"
        )
    return NoAnswer(f"{url}: {why}", lasting=True)


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a try failed; `wait` [s] is what the server asks for, `lasting` if it would not do."""

    why: str
    wait: float = 0.0
    limited: bool = False
    lasting: bool = False


class Server:
    """A server at an address, asked many things at once; one that is told to wait, all wait.

    An answer that is none is asked for again, if `again`.
    """

    def __init__(
        self, url: str, manners: Manners, refusal: Refusal = refusal, again: bool = True
    ) -> None:
        self.url = checked_address(url)
        self.manners = manners
        self.refusal = refusal
        self.again = again
        self.secret = Secret(manners.key)
        self.retried = 0
        self._open_from = 0.0  # when the server may be asked again, by the loop's clock
        self._client: httpx.AsyncClient | None = None

    async def post(
        self, path: str, body: Mapping[str, Any], read: Callable[[Any], T], most: int = LARGEST
    ) -> T:
        """Return what `read` makes of the JSON that answers a request, of `most` bytes at most.

        `read` raises ValueError for JSON that is no answer.
        Raises NoAnswer if all tries fail or take too long, EnvironmentFailure if the server turns
        us away, UsageError for a body that is no JSON.
        """
        try:
            content = json.dumps(body, allow_nan=False).encode()
        except ValueError as error:
            raise UsageError(f"a field of the request cannot be sent: {error}") from None
        return await self._answer(path, content, read, most)

    async def get(self, path: str, read: Callable[[Any], T], most: int = LARGEST) -> T:
        """Return what `read` makes of the JSON that lies at a path, as `post` does."""
        return await self._answer(path, None, read, most)

    async def _answer(
        self, path: str, content: bytes | None, read: Callable[[Any], T], most: int
    ) -> T:
        try:
            async with asyncio.timeout(self.manners.total):
                return await self._tried(path, content, read, most)
        except TimeoutError:
            within = f"{self.manners.total:.3g} s, all tries together"
            raise self._no_answer(f"no answer within {within}", False) from None

    async def close(self) -> None:
        """Close every connection, without waiting for a server that does not."""
        if self._client is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(GOODBYE):
                    await self._client.aclose()

    async def _tried(
        self, path: str, content: bytes | None, read: Callable[[Any], T], most: int
    ) -> T:
        tries, end = 0, asyncio.get_running_loop().time() + self.manners.total
        while True:
            await self._wait()
            tries += 1
            try:
                reply = await self._send(path, content, most)
                if reply.is_success:
                    return read(read_json(reply.body, self.secret.without))
                fault = self._refused(path, reply)
            except IsoflopError:
                raise
            except Exception as error:  # whatever a server makes of the library that asks it
                fault = _fault(error, self.manners.timeout)
            if tries >= self.manners.tries or (fault.lasting and not self.again):
                count = "1 try" if tries == 1 else f"{tries} tries"
                raise self._no_answer(f"{fault.why} after {count}", fault.lasting)
            wait = fault.wait or self.manners.pause_after(tries)
            if asyncio.get_running_loop().time() + wait > end:
                raise self._no_answer(
                    f"{fault.why}; it asks to wait for {wait:.3g} s, longer than --timeout and "
                    "--tries leave",
                    False,
                )
            self.retried += 1
            await self._pause(wait, everybody=fault.limited)

    def _no_answer(self, why: str, lasting: bool) -> NoAnswer:
        return NoAnswer(f"{self._shown(self.url)}: {self._shown(why)}", lasting)

    def _shown(self, text: str) -> str:
        return printable(self.secret.masked(text))

    async def _send(self, path: str, content: bytes | None, most: int) -> Reply:
        if self._client is None:
            self._client = client(self.url, self.manners.key, self.manners.at_once)
        # Of the whole, so that a server which sends a byte now and then has stalled as well.
        async with asyncio.timeout(self.manners.timeout):
            return await exchange(self._client, self.url + path, content, most)

    def _refused(self, path: str, reply: Reply) -> _Fault:
        """Return how long to wait before asking again, and why.

        Raises NoAnswer for this request, EnvironmentFailure for any.
        """
        why = f"{reply.status} {reply.reason[:80]}{self._message(reply)}".strip()
        if reply.status in AGAIN or reply.status >= 500:
            wait = retry_after(reply.headers.get("retry-after", ""))
            return _Fault(f"it answers {why}", wait, limited=reply.status == 429)
        address = self.url + path
        raise self.refusal(self._shown(address), reply.status, self._shown(why))

    def _message(self, reply: Reply) -> str:
        """Return what the server says is wrong, without the key, which some repeat."""
        try:
            answer = read_json(reply.body)
            answer = answer.get("error", answer.get("detail", answer))
            text = str(answer.get("message", answer) if isinstance(answer, dict) else answer)
        except (ValueError, AttributeError, RecursionError):
            text = reply.body[:4000].decode(errors="replace")
        text = " ".join(self.secret.masked(text[:4000]).split())
        return f" ({text[:200]})" if text else ""

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        while (delay := self._open_from - loop.time()) > 0:
            await asyncio.sleep(delay + random.uniform(0, 0.1 * delay))

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
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            wait = (when - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError, IndexError):
            return 0.0
    return wait if wait > 0 else 0.0


def _fault(error: Exception, timeout: float) -> _Fault:
    """Return what went wrong in a few words.

    It is lasting where an answer came and was none, rather than no answer at all.
    """
    import httpx

    if isinstance(error, TimeoutError):
        return _Fault(f"no answer within {timeout:g} s")
    if isinstance(error, httpx.HTTPError | OSError):
        more = f": {error}"[:200] if str(error) else ""
        return _Fault(f"the connection failed ({type(error).__name__}{more})")
    if isinstance(error, ValueError) and str(error):
        return _Fault(str(error)[:200], lasting=True)
    return _Fault(f"what it answers cannot be read ({type(error).__name__})", lasting=True)
