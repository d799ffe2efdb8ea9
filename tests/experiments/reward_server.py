"""A reward model over HTTP in a process of its own: the score of a response is its length.

    python reward_server.py FAULT

FAULT is "" or "nan" (no number for responses with a 9), "short" (a score too few), "text",
"object" (scores are no list), a status such as "503", or "dies:N" (it ends after N requests).
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Handler(BaseHTTPRequestHandler):
    asked = 0

    def log_message(self, *args: object) -> None:
        """Be quiet."""

    def do_POST(self) -> None:
        fault = sys.argv[1]
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if fault.startswith("dies") and Handler.asked >= int(fault.partition(":")[2]):
            os._exit(1)
        Handler.asked += 1
        assert len(given["prompts"]) == len(given["responses"])
        scores: object = [
            float("nan") if fault == "nan" and "9" in r else float(len(r))
            for r in given["responses"]
        ]
        if fault == "short":
            scores = scores[:-1]
        if fault == "object":
            scores = {"a": 1}
        body = b"Hello" if fault == "text" else json.dumps({"scores": scores}).encode()
        self.send_response(int(fault) if fault.isdigit() else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
