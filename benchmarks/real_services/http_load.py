"""An HTTP backend and HTTP clients for the services that stand before web sites."""

import http.client
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from recording import Recording

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15",
    "curl/8.5.0", "okhttp/4.12.0", "python-requests/2.31.0", "kube-probe/1.29",
)  # fmt: skip
PATHS = {
    "page": 5.0, "item": 4.0, "search": 2.0, "image": 3.0, "login": 1.0, "cart": 1.0, "missing": 0.4, "health": 1.0,
    "gone": 0.3, "slow": 0.3,
}  # fmt: skip


class Backend(BaseHTTPRequestHandler):
    """A small shop: pages, items, a log-in, a slow page and pages that are not there."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer by the path."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.split("?")[0]
        if path == "/report":
            time.sleep(0.15)
        status = 404 if path.startswith("/old") else 302 if path == "/login" else 200
        body = b"x" * (len(path) * 37 % 5000)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=2" if path.startswith("/img") else "no-store")
        if status == 302:
            self.send_header("Location", "/account")
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_HEAD = do_GET

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


def start_backend(recording: Recording, port: int):
    """Start the backend at a port."""
    process = recording.start(sys.executable, __file__, port)
    recording.wait_port(port)
    return process


def path_of(recording: Recording, kind: str) -> str:
    """A path of one kind."""
    random = recording.random
    number = random.randint(1, 4000)
    return {
        "page": f"/{random.choice(('', 'about', 'products', 'products/new', 'help', 'contact', 'blog'))}",
        "item": f"/item/{number}",
        "search": f"/search?q={random.choice(('lamp', 'red+chair', 'table', 'oak', 'desk+lamp'))}&page={number % 9}",
        "image": f"/img/{number:05d}.jpg",
        "login": "/login",
        "cart": f"/api/v1/carts/{random.getrandbits(64):016x}",
        "missing": f"/old/{random.choice(('index.php', 'favicon.ico', 'robots.txt', 'feed.xml'))}",
        "health": "/healthz",
        "gone": f"/item/{number}",
        "slow": "/report",
    }[kind]


def request(recording: Recording, port: int, kind: str, via: str = "") -> int:
    """One request from one of many clients; 0 where no answer came. A `gone` client hangs up before the answer."""
    random = recording.random
    connection = http.client.HTTPConnection(
        "127.0.0.1", port, timeout=5, source_address=(f"127.0.{random.randint(0, 3)}.{random.randint(2, 60)}", 0)
    )
    headers = {"User-Agent": random.choice(AGENTS), "Host": "shop.test"}
    if random.random() < 0.3:
        headers["Referer"] = "http://shop.test/products"
    method = "POST" if kind in ("login", "cart") and random.random() < 0.6 else "GET"
    try:
        connection.request(method, via + path_of(recording, kind), headers=headers)
        if kind == "gone":
            return 0
        response = connection.getresponse()
        response.read()
        return response.status
    except OSError:
        return 0
    except http.client.HTTPException:
        return 0
    finally:
        connection.close()


def browse(recording: Recording, port: int, via: str = "", times: int = 1) -> None:
    """A few requests of the mix."""
    for _ in range(times):
        request(recording, port, recording.pick(PATHS), via)


if __name__ == "__main__":
    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Backend).serve_forever()
