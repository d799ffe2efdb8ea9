"""The one door of the workbench: who may ask, by which address, in which way and of what size.

Every request passes `Doors` before any route is looked up, so a route that is forgotten is closed.
What is not allowed here is denied: there is no list of routes that need a key.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeAlias
from urllib.parse import parse_qs, urlsplit

from isoflop.files import SETTING, largest, shown_size

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

ENTRY = "/enter"  # where the printed link leads, once
IMPORT = "/import"  # the one route that takes a file
READS, WRITES = frozenset({"GET", "HEAD"}), frozenset({"POST"})
LONGEST_QUERY = 16_000  # [bytes] of the part behind "?"
LONGEST_PATH = 2_000  # [bytes]
LARGEST_FORM = 64_000  # [bytes] of a body that holds no file
BODIES = ("multipart/form-data", "application/x-www-form-urlencoded")

# Plotly sets styles on the parts of a picture, and fills a style sheet that is empty at first,
# whose hash this is. Scripts come as files of ours alone.
EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
POLICY = (
    f"default-src 'self'; script-src 'self'; style-src 'self' {EMPTY}; "
    "style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",  # without any, a form would come from "null"
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True, slots=True)
class DoorKeys:
    """The secrets of one start: `link` is in the printed link, `session` in the cookie alone."""

    link: str = field(default_factory=_secret, repr=False)
    session: str = field(default_factory=_secret, repr=False)


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a request is not served, in words for whoever made it."""

    status: int
    text: str


class Doors:
    """The application behind checks of host, method, origin, key, size and kind of body."""

    def __init__(
        self, app: Application, keys: DoorKeys, hosts: Iterable[str], port: int, start: str = "/"
    ) -> None:
        """Serve `app` to whoever has a key of `keys` and asks by one of `hosts` at `port`.

        The printed link leads on to the page `start`.
        """
        self.app, self.keys, self.start = app, keys, start
        self.addresses = frozenset(address for host in hosts for address in _addresses(host, port))
        self.cookie = f"isoflop-{port}"  # cookies know no ports: two workbenches need two names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or say why not."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # no socket is served, so none is opened
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope)
        answer = _with_headers(send)
        denial = self._denial(scope, headers)
        if denial is not None:
            await _say(answer, denial, scope["method"])
        elif scope["path"] == ENTRY:
            await self._enter(answer)
        else:
            await self._serve(scope, receive, answer)

    def _denial(self, scope: Scope, headers: Headers) -> Denial | None:
        """Return why a request is not served; None if it is."""
        return (
            self._of_address(headers)
            or _of_method(scope)
            or self._of_origin(scope, headers)
            or self._of_key(scope, headers)
            or _of_size(scope, headers)
        )

    def _of_address(self, headers: Headers) -> Denial | None:
        """Refuse another name: a page elsewhere can have its own name point to this machine."""
        if headers.one("host") not in self.addresses:
            return Denial(403, "This address does not lead here; use the link that was printed.")
        return None

    def _of_origin(self, scope: Scope, headers: Headers) -> Denial | None:
        origin, site = headers.one("origin"), headers.one("sec-fetch-site")
        expected = f"http://{headers.one('host')}"
        writes = scope["method"] in WRITES
        if headers.count("origin") > 1 or (origin not in ("", expected)) or (writes and not origin):
            return Denial(403, "Another page asked; only the workbench's own pages may.")
        if site not in ("", "same-origin", "none") or (writes and site == "none"):
            return Denial(403, "Another page led here; type the address, or open it from the list.")
        return None

    def _of_key(self, scope: Scope, headers: Headers) -> Denial | None:
        if scope["path"] == ENTRY:
            key = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("key", [""])
            valid = len(key) == 1 and _same(key[0], self.keys.link)
        else:
            valid = _same(headers.cookie(self.cookie), self.keys.session)
        if not valid:
            return Denial(401, "Open the link that 'isoflop ui' printed when it started.")
        return None

    async def _enter(self, send: Send) -> None:
        """Exchange the key of the link for a cookie, at an address that holds no key."""
        cookie = f"{self.cookie}={self.keys.session}; HttpOnly; SameSite=Strict; Path=/"
        headers = [(b"location", self.start.encode()), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, whose body is counted as it comes."""
        most, size = _most(scope), 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                raise BodyTooLarge
            return message

        try:
            await self.app(scope, counted, send)
        except BodyTooLarge:
            await _say(send, Denial(413, _too_large(most)), scope["method"])


class BodyTooLarge(Exception):
    """More came than a request may hold, whatever length it stated."""


class Headers:
    """The headers of a request; one that is given twice counts as none."""

    def __init__(self, scope: Scope) -> None:
        """Read the headers of `scope`."""
        self._values: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            self._values.setdefault(name.decode("latin-1").lower(), []).append(
                value.decode("latin-1")
            )

    def count(self, name: str) -> int:
        """Return how often a header is given."""
        return len(self._values.get(name, ()))

    def one(self, name: str) -> str:
        """Return a header that is given once, else nothing."""
        values = self._values.get(name, [""])
        return values[0] if len(values) == 1 else ""

    def cookie(self, name: str) -> str:
        """Return a cookie, or nothing."""
        try:
            morsel = SimpleCookie("; ".join(self._values.get("cookie", []))).get(name)
        except CookieError:
            return ""
        return morsel.value if morsel else ""


def _addresses(host: str, port: int) -> tuple[str, ...]:
    """Return what a browser writes for a host: without the port where it is that of HTTP."""
    address = f"[{host}]" if ":" in host else host
    return (f"{address}:{port}", address) if port == 80 else (f"{address}:{port}",)


def _same(text: str, secret: str) -> bool:
    return hmac.compare_digest(text.encode("utf-8", "surrogatepass"), secret.encode())


def _of_method(scope: Scope) -> Denial | None:
    if scope["method"] not in READS | WRITES:
        return Denial(405, "The workbench is asked by GET, and given files and forms by POST.")
    return None


def _of_size(scope: Scope, headers: Headers) -> Denial | None:
    """Refuse what is too long, of unknown length, or of another kind than a form."""
    if len(scope.get("query_string", b"")) > LONGEST_QUERY:
        return Denial(414, f"The address is longer than {LONGEST_QUERY:,} characters.")
    if len(scope.get("raw_path") or b"") > LONGEST_PATH or "\0" in scope["path"]:
        return Denial(414, "This is no address of the workbench.")
    length = headers.one("content-length")
    if scope["method"] in READS:
        has_body = headers.count("transfer-encoding") or length not in ("", "0")
        return (
            Denial(413, "A request for a page holds no more than its address.")
            if has_body
            else None
        )
    if not (length.isascii() and length.isdigit()) or headers.count("transfer-encoding"):
        return Denial(411, "The length of the form is not stated.")
    if int(length[:12]) > _most(scope):
        return Denial(413, _too_large(_most(scope)))
    if headers.one("content-type").partition(";")[0].strip().lower() not in BODIES:
        return Denial(415, "Only a form of the workbench can be sent here.")
    return None


def _most(scope: Scope) -> int:
    """Return how many bytes the body of a request may hold."""
    return (largest() if scope["path"] == IMPORT else 0) + LARGEST_FORM


def _too_large(most: int) -> str:
    return f"This is larger than {shown_size(most)}; {SETTING}=2G raises the limit for files."


def _with_headers(send: Send) -> Send:
    """Return `send` that adds the headers of every answer, and lets no other page read one."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            stated = {name.lower() for name, _ in message.get("headers", ())}
            fixed = [
                (k.encode(), v.encode()) for k, v in HEADERS.items() if k.encode() not in stated
            ]
            if b"cache-control" not in stated:
                fixed.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message.get("headers", ()), *fixed]}
        await send(message)

    return guarded


async def _say(send: Send, denial: Denial, method: str) -> None:
    body = b"" if method == "HEAD" else denial.text.encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(denial.text.encode())).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": denial.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def link(host: str, port: int, keys: DoorKeys) -> str:
    """Return the link that lets its reader in, which is printed once and kept nowhere."""
    name = f"[{host}]" if ":" in host else host
    address = urlsplit(f"http://{name}:{port}{ENTRY}")
    return f"{address.geturl()}?key={keys.link}"
