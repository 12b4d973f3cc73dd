"""A small HTTP server for JSON services: routes, request ids, orderly answers to every kind of failure."""

import heapq
import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import context
import settings


class Problem(Exception):
    """An answer other than success that the service gives on purpose."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: Any
    raw: bytes
    parts: dict[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        try:
            content = json.loads(self.raw or b"{}")
        except ValueError:
            raise Problem(400, "malformed_json") from None
        if not isinstance(content, dict):
            raise Problem(400, "malformed_json")
        return content


Handler = Callable[[Request], tuple[int, dict[str, Any]]]


class Observer(Protocol):
    """How a service logs the life of a request, in its own style."""

    def received(self, request: Request) -> None: ...
    def served(self, request: Request, status: int, milliseconds: int) -> None: ...
    def rejected(self, request: Request, problem: Problem, milliseconds: int) -> None: ...
    def crashed(self, request: Request, error: Exception) -> None: ...


class Routes:
    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []

    def add(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """`pattern` is a path with {NAME} for a number."""
        expression = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[0-9]+)", pattern) + "$")

        def keep(handler: Handler) -> Handler:
            self._routes.append((method, expression, handler))
            return handler

        return keep

    def find(self, request: Request) -> Handler:
        known = False
        for method, expression, handler in self._routes:
            if match := expression.match(request.path):
                known = True
                if method == request.method:
                    request.parts = match.groupdict()
                    return handler
        raise Problem(405, "method_not_allowed") if known else Problem(404, "no_such_path")


def _answer(request: Request, routes: Routes, observer: Observer) -> tuple[int, dict[str, Any]]:
    started = time.monotonic()

    def milliseconds() -> int:
        return round(1000 * (time.monotonic() - started))

    try:
        observer.received(request)
        status, content = routes.find(request)(request)
        observer.served(request, status, milliseconds())
    except Problem as problem:
        observer.rejected(request, problem, milliseconds())
        return problem.status, {"error": problem.code}
    except Exception as error:
        observer.crashed(request, error)
        return 500, {"error": "internal"}
    return status, content


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        self._free = list(range(1, 1000))
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            number = heapq.heappop(self._free)
        threading.current_thread().name = f"http-{number}"
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                heapq.heappush(self._free, number)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The other side went away; nothing is left to answer."""


def serve(
    service: str, routes: Routes, observer: Observer, started: Callable[[], None], reload: Callable[[], None]
) -> None:
    """Answer requests until SIGTERM; SIGHUP calls `reload`."""

    class Exchange(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = 65_536

        def exchange(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            context.begin(self.headers.get("X-Request-ID", "-"))
            request = Request(self.command, parts.path, query, self.headers, raw)
            status, content = _answer(request, routes, observer)
            body = json.dumps(content).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Steps", " ".join(context.current.steps))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = exchange

        def log_message(self, format: str, *args: Any) -> None:
            """The observer logs."""

    server = _Server(settings.PORTS[service], Exchange)
    server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: reload())
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()
    started()
    while not stop.wait(1.0):
        pass
    server.shutdown()
    os._exit(0)


def every(seconds: float, work: Callable[[], None]) -> None:
    """Do `work` in the background, again and again."""

    def repeat() -> None:
        while True:
            time.sleep(seconds)
            work()

    threading.Thread(target=repeat, daemon=True, name="scheduler-1").start()
