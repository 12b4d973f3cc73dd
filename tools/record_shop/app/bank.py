"""The bank: somebody else's program, which keeps no logs for us. Its behaviour is set by a file."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import settings

BEHAVIOUR = settings.HOME / "bank.json"
"""{"mode": "ok" | "hang" | "refuse", "refusals": N}"""

_attempts: dict[int, int] = {}
_lock = threading.Lock()


def _decide(order: int, card: str) -> tuple[float, int]:
    """Seconds to wait and the status to answer."""
    behaviour = json.loads(BEHAVIOUR.read_text())
    with _lock:
        attempt = _attempts[order] = _attempts.get(order, 0) + 1
    if behaviour["mode"] == "hang":
        return 20.0, 200
    refusals = {"flaky": 1, "fickle": 2}.get(card.partition("-")[0], 0)
    if behaviour["mode"] == "refuse":
        refusals = behaviour["refusals"]
    if attempt <= refusals:
        return 0.0, 503
    if card.startswith("slow") and attempt == 1:
        return 1.8, 200
    return 0.0, 402 if card.startswith("empty") else 200


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seconds, status = _decide(content["order"], content["card"])
        time.sleep(seconds)
        self.send_response_only(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The caller gave up."""


if __name__ == "__main__":
    _Server(("127.0.0.1", settings.PORTS["bank"]), _Exchange).serve_forever()
