"""One request to a server, and its reply within a limit of size; JSON of others is read here."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import TYPE_CHECKING, Any

from isoflop.files import BadJSON, parse_json
from isoflop.network.address import is_here

if TYPE_CHECKING:
    import httpx

LARGEST = 8 * 2**20  # bytes of a reply, unless more was asked for


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answers to one request: the status, words, headers and body [bytes]."""

    status: int
    reason: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status says that this is an answer."""
        return 200 <= self.status < 300


class _NoCookies(CookieJar):
    """Keeps nothing that a server wants kept."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        pass


def client(url: str, key: str | None, at_once: int) -> httpx.AsyncClient:
    """Return a client that sends a key, follows nobody, keeps no cookies and unpacks nothing."""
    import httpx

    here = is_here(url)  # no proxy leads to this machine
    plain = here and url.startswith("http:")  # certificates take longer to load than to ask

    headers = {"Accept-Encoding": "identity", "Content-Type": "application/json"}
    return httpx.AsyncClient(
        headers=headers | ({"Authorization": f"Bearer {key}"} if key else {}),
        cookies=_NoCookies(),
        follow_redirects=False,
        timeout=None,
        trust_env=not here,
        verify=not plain,
        limits=httpx.Limits(max_connections=at_once),
    )


async def exchange(asker: httpx.AsyncClient, url: str, content: bytes | None, most: int) -> Reply:
    """Return the reply to a request, of `most` bytes at most; without content it is a GET.

    Raises ValueError for one that is larger or packed, httpx.HTTPError where there is none.
    """
    async with asker.stream("GET" if content is None else "POST", url, content=content) as answer:
        body = bytearray()
        coding = answer.headers.get("content-encoding", "identity")
        packed = coding.strip().lower() not in ("", "identity")
        if packed and answer.is_success:
            raise ValueError(f"it packs its answer ({coding[:40]}), which nobody asked for")
        async for chunk in answer.aiter_raw():
            body += chunk
            if len(body) > most:
                raise ValueError(f"its answer is larger than the {most:,} bytes that it may have")
        readable = b"" if packed else bytes(body)
        return Reply(answer.status_code, answer.reason_phrase, dict(answer.headers), readable)


def read_json(body: bytes, clean: Callable[[str], str] = lambda text: text) -> Any:
    """Return the JSON of a body; texts in its objects are what `clean` makes of them.

    Raises ValueError for what `isoflop.files.parse_json` refuses.
    """
    try:
        return _cleaned(parse_json(body), clean)
    except BadJSON as fault:
        raise ValueError(f"what it answers is not JSON that can be read: {fault}") from None


def _cleaned(document: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(document, dict):
        return {
            name: clean(v) if isinstance(v, str) else _cleaned(v, clean)
            for name, v in document.items()
        }
    return [_cleaned(v, clean) for v in document] if isinstance(document, list) else document


def finite(score: object) -> float:
    """Return a number of others as a float, NaN for whatever is none or out of range."""
    if isinstance(score, bool) or not isinstance(score, int | float):
        return math.nan
    try:
        return float(score) if math.isfinite(score) else math.nan
    except OverflowError:
        return math.nan
