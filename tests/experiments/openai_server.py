"""A server of OpenAI's protocol in a process of its own, which misbehaves when it is told to.

    python openai_server.py PORT ANSWERS.json FAULTS.json

ANSWERS holds right answers by what prompts begin with. Of the responses the one that a seed
hashes to is right, so that the same request is answered alike. FAULTS holds what happens to
request number i (from 0) of the process: "slow", "stall", "drop", "rubbish", "empty", "half",
"short", "long", "null" or a status such as "429"; "*" is every request not named. GET /seen
returns what was asked for.
"""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAUSES = {"slow": 0.01, "stall": 3.0}  # [s]
TEXTS = {"null": None, "giant": "9 " * 1_000_000, "strange": "4\0\u202e\U0001f600\ud800 5"}
RUBBISH = {"rubbish": b"<html>Welcome!</html>", "empty": b'{"choices": []}'}


def number(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:4])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body go at once

    def log_message(self, *args: object) -> None:
        """Be quiet."""

    def send(self, code: int, body: bytes, **headers: str) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self.send(200, json.dumps(self.server.seen).encode())

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            i = len(self.server.seen)
            key = self.headers.get("Authorization", "")
            self.server.seen.append({"path": self.path, "key": key, "body": asked})
        fault = self.server.faults.get(str(i), self.server.faults.get("*", ""))
        if fault in PAUSES:
            time.sleep(PAUSES[fault])
        if fault == "drop":
            self.close_connection = True
            self.connection.close()
        elif fault.isdigit():
            said = {"error": {"message": f"no, {key} is not to my liking"}}
            wait = {"Retry_After": "0.3"} if fault == "429" else {}
            self.send(int(fault), json.dumps(said).encode(), **wait)
        elif fault in RUBBISH:
            self.send(200, RUBBISH[fault])
        else:
            answer = self.answer(asked, fault)
            self.send(200, answer[:-20] if fault == "half" else answer)

    def answer(self, asked: dict, fault: str) -> bytes:
        chat = "messages" in asked
        prompt = asked["messages"][0]["content"] if chat else asked["prompt"]
        right = next(a for p, a in self.server.answers.items() if prompt.startswith(p))
        count = asked.get("n", 1) + {"short": -1, "long": 1}.get(fault, 0)
        choices = []
        for i in range(max(count, 1)):
            drawn = number(prompt, asked["seed"], i)
            text = right if drawn % 3 == 0 else str(drawn % 97)
            text = TEXTS.get(fault, f" {text}\nand so on")
            choice = {"message": {"content": text}} if chat else {"text": text}
            if asked.get("logprobs"):
                given = [-0.5, -1.5]
                choice["logprobs"] = (
                    {"content": [{"token": "t", "logprob": x} for x in given]}
                    if chat
                    else {"token_logprobs": given}
                )
            choices.append({"index": i, **choice})
        usage = {"prompt_tokens": len(prompt), "completion_tokens": 4 * len(choices)}
        return json.dumps({"choices": choices, "usage": usage}).encode()


def main(port: str, answers: str, faults: str) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
    server.daemon_threads = True
    server.seen, server.lock = [], threading.Lock()
    server.answers = json.loads(Path(answers).read_text())
    server.faults = json.loads(Path(faults).read_text())
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
