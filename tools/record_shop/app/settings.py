"""Where everything is: ports, folders and limits of the shop. All of it lives in a network of its own."""

from pathlib import Path

HOME = Path("/srv/shop")
LOGS = HOME / "logs"
RELEASES = HOME / "releases"
INVOICES = HOME / "invoices"

PORTS = {
    "gateway": 8080,
    "api": 9000,
    "catalogue": 9001,
    "orders": 9002,
    "payment": 9003,
    "stock": 9004,
    "bank": 9100,
    "postgres": 5432,
    "redis": 6379,
}
SERVICES = ("api", "catalogue", "orders", "payment", "stock")

POOL_SIZE = 5
POOL_WAIT_SECONDS = 2.0
BANK_TIMEOUT_SECONDS = 1.2
CALL_TIMEOUT_SECONDS = 8.0
STATEMENT_TIMEOUT_MS = 2500
SLOW_MS = 2000


def url(service: str) -> str:
    return f"http://127.0.0.1:{PORTS[service]}"
