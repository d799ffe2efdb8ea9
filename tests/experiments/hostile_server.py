"""A server that means harm, in a process of its own: what it does, the path of a request says.

    python hostile_server.py

It prints its port. POST /NAME/... is answered by the behaviour NAME of `BEHAVIOURS`, raw bytes on
a socket; GET /seen/NAME tells how often that was asked for. `SCORES` are answers to a reward
model's door, by the same paths.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import html
import json
import re
import socket
import socketserver
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import quote

ESCAPES = "\x1b[31mRED\x1b]0;owned\x07\x9b2J\x7f\u202egnirts\u2066\r\x08"
GOOD = {"choices": [{"text": " 4"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}
DEEP = b'{"choices": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

Bytes = Iterator[bytes]
Behaviour = Callable[[str], Bytes]


class Reset(Exception):
    """Ends a connection with a reset."""


def reply(body: object, status: str = "200 OK", *headers: str) -> bytes:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(raw)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1", "replace") + raw


def says(body: object, status: str = "200 OK", *headers: str) -> Behaviour:
    return lambda key: iter([reply(body, status, *headers)])


def raw(*parts: bytes) -> Behaviour:
    return lambda key: iter(parts)


def message(change: Callable[[str], str], status: str = "400 Bad Request") -> Behaviour:
    return lambda key: iter([reply({"error": {"message": f"no {change(key)} here"}}, status)])


def plain(change: Callable[[str], str]) -> Behaviour:
    return lambda key: iter([reply(f"no {change(key)} here".encode(), "500 Oh")])


def choice(**fields: object) -> Behaviour:
    return says({**GOOD, "choices": [{"text": " 4", **fields}]})


def usage(**fields: object) -> Behaviour:
    return says({**GOOD, "usage": fields})


def limited(after: str) -> Behaviour:
    return says({"error": "slow"}, "429 Too Many Requests", f"Retry-After: {after}")


def drip(head: bytes, drop: bytes) -> Behaviour:
    def drops(key: str) -> Bytes:
        yield head
        while True:
            time.sleep(0.05)
            yield drop

    return drops


def flood(head: bytes, wave: bytes) -> Behaviour:
    def waves(key: str) -> Bytes:
        yield head
        while True:
            yield wave

    return waves


def reset(head: bytes) -> Behaviour:
    def cut(key: str) -> Bytes:
        yield head
        time.sleep(0.02)
        raise Reset

    return cut


def stall(head: bytes) -> Behaviour:
    def nothing(key: str) -> Bytes:
        yield head
        time.sleep(600)

    return nothing


def bomb(coding: str) -> Behaviour:
    def packed(key: str) -> Bytes:
        inner = gzip.compress(b" " * 2**26, 1)
        yield reply(
            gzip.compress(inner, 1) if "," in coding else inner,
            "200 OK",
            f"Content-Encoding: {coding}",
        )

    return packed


def spaced(key: str) -> str:
    return "\x1b[0m".join(key)


def entities(key: str) -> str:
    return "".join(f"&#{ord(c)};" for c in key)


def percents(key: str) -> str:
    return "".join(f"%{ord(c):02x}" for c in key)


def unicodes(key: str) -> str:
    return "".join(f"\\u{ord(c):04x}" for c in key)


def twice(key: str) -> str:
    return base64.b64encode(f"Bearer {key}".encode()).decode()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b" " * 65536 + b"\r\n"
TRUNCATED = HEAD + b"Content-Length: 400\r\n\r\n" + json.dumps(GOOD).encode()

# Those that would keep a client waiting for ever.
STALLING: dict[str, Behaviour] = {
    "silence": stall(b""),
    "half a status": stall(b"HTTP/1.1 2"),
    "no body": stall(HEAD + b"Content-Length: 400\r\n\r\n"),
    "drip of headers": drip(HEAD, b"X-Drop: 1\r\n"),
    "drip of a header": drip(HEAD + b"X-Drop: ", b"1"),
    "drip of a body": drip(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "drip of chunks": drip(CHUNKED, b"1\r\n \r\n"),
    "drip of 100": drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "flood of 100": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "flood of 103": flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100),
    "drip of an error": drip(b"HTTP/1.1 500 Oh\r\nContent-Length: 99999\r\n\r\n", b"x"),
    "trailers for ever": drip(CHUNKED + b"0\r\n", b"X-Drop: 1\r\n"),
}

# Those that are no answer, however often they are asked.
FAILING: dict[str, Behaviour] = {
    "500": says({"error": "oh"}, "500 Oh"),
    "999": says(b"", "999 Oh"),
    "101": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "204": raw(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "404": message(lambda key: key, "404 Not Found"),
    "401": message(lambda key: f"key {key[:12]}...", "401 Unauthorized"),
    "403": message(lambda key: f"key ...{key[-9:]}", "403 Forbidden"),
    "loop": lambda key: iter([reply(b"", "302 Found", "Location: /loop/v1/completions")]),
    "away": lambda key: iter([reply(b"", "307 Away", "Location: http://localhost:{port}/away")]),
    "limit": says({"error": "slow"}, "429 Too Many Requests"),
    "limit to 9999": limited("Fri, 31 Dec 9999 23:59:59 GMT"),
    "limit to 9999 west": limited("Fri, 31 Dec 9999 23:59:59 -2359"),
    "limit to 0001 east": limited("Mon, 01 Jan 0001 00:00:00 +2359"),
    "limit to the past": limited("Wed, 21 Oct 2015 07:28:00 GMT"),
    "limit of nowhere": limited("Fri, 31 Dec 9999 23:59:59 -0000"),
    "limit below zero": limited("-5"),
    "limit of ages": limited("9" * 300),
    "limit without end": limited("inf"),
    "limit of nan": limited("nan"),
    "limit of a word": limited("soon " + "x" * 2000),
    "limit of bytes": limited("\xff\xfe\x00"[:2]),
    "busy to 9999": says(b"", "503 Busy", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    "headers without end": flood(HEAD, b"X-More: 1\r\n" * 1000),
    "header without end": flood(HEAD + b"X-More: ", b"1" * 65536),
    "status without end": flood(b"HTTP/1.1 200 ", b"O" * 65536),
    "chunks without end": flood(CHUNKED, CHUNK),
    "chunk name without end": flood(CHUNKED, b"1;" + b"x" * 65536),
    "body without end": flood(HEAD + b"Content-Length: 99999999999\r\n\r\n", b" " * 65536),
    "body until close": flood(HEAD + b"\r\n", b" " * 65536),
    "half a body": raw(TRUNCATED),
    "half a chunk": raw(CHUNKED + b"100\r\n{}"),
    "bad chunk": raw(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"),
    "reset": reset(b""),
    "reset in the headers": reset(HEAD),
    "reset in the body": reset(TRUNCATED),
    "closed": raw(),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "binary": raw(bytes(range(256)) * 20),
    "two lengths": raw(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
    "length below zero": raw(HEAD + b"Content-Length: -1\r\n\r\n{}"),
    "gzip bomb": bomb("gzip"),
    "deflate bomb": bomb("deflate"),
    "br": bomb("br"),
    "gzip twice": bomb("gzip, gzip"),
    "page": says(b"<html>Welcome!</html>", "200 OK", "Content-Type: text/html"),
    "nothing": says(b""),
    "latin": says(b'{"choices": [{"text": "\xe9\xff"}]}'),
    "utf-16": says(json.dumps(GOOD).encode("utf-16")),
    "deep": says(DEEP),
    "many lists": lambda key: iter([reply(b"[" + b"[]," * 300_000 + b"[]]")]),
    "deep error": says(DEEP, "500 Oh"),
    "digits": choice(logprobs={"token_logprobs": [10**400]}),
    "more digits": says(b'{"choices": [{"text": "4"}], "usage": ' + b"9" * 100_000 + b"}"),
    "a name twice": says(b'{"choices": [{"text": "4"}], "choices": [{"text": "5"}]}'),
    "list": says([GOOD]),
    "number": says(4),
    "text": says("4"),
    "null": says(None),
    "no choices": says({"usage": {}}),
    "null choices": says({"choices": None}),
    "object of choices": says({"choices": {"text": "4"}}),
    "empty choices": says({"choices": []}),
    "null choice": says({"choices": [None]}),
    "list choice": says({"choices": [["4"]]}),
    "number for a text": choice(text=4),
    "list for a text": choice(text=["4"]),
    "no text": says({"choices": [{"message": {"content": "4"}}]}),
    "error of lists": says({"error": [[ESCAPES]]}, "500 Oh"),
    "error of objects": says({"error": {"message": {"a": ESCAPES}}}, "500 Oh"),
    "escapes": message(lambda key: ESCAPES),
    "escapes in words": lambda key: iter([reply(b"", f"500 {ESCAPES[:30]}")]),
    "escapes in text": plain(lambda key: ESCAPES),
    "key": message(lambda key: key),
    "key in words": lambda key: iter([reply(b"", f"500 {key}")]),
    "key shouted": message(str.upper),
    "key begun": message(lambda key: key[:9]),
    "key ended": message(lambda key: key[-9:]),
    "key quoted": message(lambda key: quote(key, safe="")),
    "key in percents": message(percents),
    "key in base64": message(twice),
    "key in base64 alone": message(lambda key: base64.b64encode(key.encode()).decode()),
    "key in hex": message(lambda key: key.encode().hex()),
    "key in unicode": message(unicodes),
    "key in unicode text": plain(unicodes),
    "key in JSON": plain(lambda key: json.dumps(key).replace("/", "\\/")),
    "key in entities": message(entities),
    "key in HTML": message(html.escape),
    "key with escapes between": message(spaced),
    "key in a name": lambda key: iter([reply({key: {key: [key]}}, "400 Bad Request")]),
    "key in a header": lambda key: iter([reply(b"", "500 Oh", f"Retry-After: {key}")]),
    "cookies": lambda key: iter(
        [reply(b"", "500 Oh", *(f"Set-Cookie: {i}={'x' * 900}; Expires=9" for i in range(80)))]
    ),
}  # fmt: skip

# Those from which an answer is taken, in which the harm is left out.
ANSWERING: dict[str, Behaviour] = {
    "wrong kind": says(GOOD, "200 OK", "Content-Type: text/html"),
    "wrong charset": says(GOOD, "200 OK", "Content-Type: application/json; charset=utf-7"),
    "strange words": says(GOOD, f"200 {ESCAPES[:20]}"),
    "more choices": says({**GOOD, "choices": [{"text": " 4"}] * 5000}),
    "endless logprobs": choice(logprobs={"token_logprobs": [-1e308] * 9 + [1e308] * 9}),
    "NaN": choice(logprobs={"token_logprobs": [float("nan"), float("inf"), -float("inf")]}),
    "words for logprobs": choice(logprobs={"token_logprobs": ["-1", None, True, [], {}]}),
    "text for logprobs": choice(logprobs="-1"),
    "odd content": choice(logprobs={"content": [None, 1, {}, {"logprob": "x"}, {"logprob": []}]}),
    "usage below zero": usage(prompt_tokens=-5, completion_tokens=-7),
    "usage of ages": usage(prompt_tokens=10**30, completion_tokens=10**19),
    "usage of fractions": usage(prompt_tokens=0.5, completion_tokens=1e300),
    "usage of words": usage(prompt_tokens="3", completion_tokens=[]),
    "usage of truth": usage(prompt_tokens=True, completion_tokens=False),
    "usage is a list": says({**GOOD, "usage": [1, 2]}),
    "usage without end": says(json.dumps(GOOD).encode().replace(b": 2", b": 1e999")),
    "escapes in an answer": choice(text=f" 4{ESCAPES}"),
    "half a character": choice(text=" 4\ud800\0"),
    "key in an answer": lambda key: iter([reply({"choices": [{"text": f"4 {key} {key.upper()}"}]})]),  # noqa: E501
    "key hidden in an answer": lambda key: iter(
        [reply(b'{"choices": [{"text": "' + unicodes(key).encode() + b'"}]}')]
    ),
    "sized answer": choice(text="9 " * 500_000),
    "more fields": says({**GOOD, ESCAPES: {ESCAPES: [ESCAPES] * 1000}, "id": 10**20}),
}  # fmt: skip

# Answers of a reward model that are none.
SCORES: dict[str, Behaviour] = {
    "scores of digits": says(b'{"scores": [' + b"9" * 400 + b"]}"),
    "scores of nulls": says({"scores": [None]}),
    "scores of words": says({"scores": [ESCAPES]}),
    "scores of truth": says({"scores": [True]}),
    "scores without end": says(b'{"scores": [1e999]}'),
    "scores of lists": says({"scores": [[1.0]]}),
    "scores in an object": says({"scores": {"0": 1.0}}),
    "scores too many": says({"scores": [1.0] * 1000}),
    "scores nowhere": says({ESCAPES: ESCAPES}),
}

BEHAVIOURS = {**STALLING, **FAILING, **ANSWERING, **SCORES}
FOLDERS = {re.sub(r"\W", "-", name): name for name in BEHAVIOURS}


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        with contextlib.suppress(OSError):
            while self.one():
                pass

    def one(self) -> bool:
        """Answer one request; return whether the connection may go on."""
        words = self.rfile.readline().decode().split()
        headers = {}
        while line := self.rfile.readline().decode().strip():
            name, _, text = line.partition(":")
            headers[name.lower()] = text.strip()
        if len(words) < 2:
            return False
        self.rfile.read(int(headers.get("content-length", 0)))
        folder = words[1].split("/")[1]
        if words[0] == "GET":
            self.wfile.write(reply(self.server.seen[words[1].split("/")[2]]))
            return True
        self.server.seen[folder] += 1
        self.do(FOLDERS[folder], headers.get("authorization", "").removeprefix("Bearer "))
        return False

    def do(self, name: str, key: str) -> None:
        port = str(self.server.server_address[1]).encode()
        try:
            for part in BEHAVIOURS[name](key):
                self.wfile.write(part.replace(b"{port}", port))
        except Reset:
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 100
    seen: Counter[str]

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet."""


def main() -> None:
    server = Server(("127.0.0.1", 0), Handler)
    server.seen = Counter()
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()  # ends with whoever started it


if __name__ == "__main__":
    main()
