"""The API that customers' devices talk to: sessions, baskets, and calls to the other services. Logs logfmt."""

import datetime
import hashlib
import json
import logging
import secrets
from typing import Any

import context
import psycopg
import redis
import settings
import structlog
from calling import CallFailed, Client
from database import Pool, PoolTimeout
from release import Release
from serving import Problem, Request, Routes, serve

SESSION_SECONDS = 900

release = Release("api")
pool = Pool("api")
store = redis.Redis(port=settings.PORTS["redis"], decode_responses=True, socket_timeout=3)
catalogue, stock, orders = Client("catalogue"), Client("stock"), Client("orders")
routes = Routes()


def _clock(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    now = datetime.datetime.now(datetime.UTC)
    event["ts"] = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z"
    event["rid"] = context.current.request_id
    return event


def _configure_logs() -> None:
    structlog.configure(
        processors=[
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            _clock,
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["ts", "level", "logger", "rid", "event"]),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    logging.basicConfig(filename=settings.LOGS / "api.log", format="%(message)s", level=logging.INFO)
    logging.getLogger("pool").disabled = True


_configure_logs()
log_http = structlog.get_logger("api.http")
log_auth = structlog.get_logger("api.auth")
log_basket = structlog.get_logger("api.basket")
log_upstream = structlog.get_logger("api.upstream")


class Observer:
    def received(self, request: Request) -> None:
        log_http.info("request received", method=request.method, path=request.path)

    def served(self, request: Request, status: int, milliseconds: int) -> None:
        log_http.info("request served", status=status, ms=milliseconds)
        self._slow(milliseconds)

    def rejected(self, request: Request, problem: Problem, milliseconds: int) -> None:
        write = log_http.warning if problem.status < 500 else log_http.error
        write("request rejected", status=problem.status, reason=problem.code, ms=milliseconds)
        self._slow(milliseconds)

    def crashed(self, request: Request, error: Exception) -> None:
        log_http.error("unhandled error", status=500, exc_info=error)

    def _slow(self, milliseconds: int) -> None:
        if milliseconds > settings.SLOW_MS:
            log_http.warning("slow request", ms=milliseconds)


def _ask(client: Client, method: str, path: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    """The answer of another service; its refusals and failures become ours."""
    try:
        status, answer = client.call(method, path, content)
    except CallFailed as error:
        log_upstream.error("upstream failed", upstream=client.service, reason=error.reason)
        raise Problem(504 if error.timed_out else 502, f"{client.service}_unavailable") from error
    if status >= 500:
        log_upstream.error("upstream failed", upstream=client.service, status=status)
        raise Problem(status, answer.get("error", "internal"))
    log_upstream.info("upstream answered", upstream=client.service, status=status)
    if status >= 400:
        raise Problem(status, answer.get("error", "refused"))
    return answer


def _customer(request: Request) -> tuple[str, int]:
    """Token and number of the customer who is logged in."""
    token = request.headers.get("X-Session", "")
    customer = store.get(f"session:{token}") if token else None
    context.step("session.read")
    if customer is None:
        log_auth.warning("no valid session")
        raise Problem(401, "not_logged_in")
    log_auth.info("session resolved", customer=customer)
    return token, int(customer)


def _write(what: str, key: str, value: str) -> None:
    try:
        store.set(key, value, ex=SESSION_SECONDS)
    except redis.RedisError as error:
        log_upstream.error("session store refused a write", key=key.partition(":")[0], reason=str(error))
        raise Problem(503, "session_store_unavailable") from error
    context.step(what)


@routes.add("POST", "/api/login")
def login(request: Request) -> tuple[int, dict[str, Any]]:
    form = request.json()
    if not isinstance(form.get("email"), str) or not isinstance(form.get("password"), str):
        raise Problem(422, "email_or_password_missing")
    try:
        with pool.connection() as connection:
            row = connection.execute(
                "SELECT id, password_hash FROM customers WHERE email = %s", [form["email"]]
            ).fetchone()
    except (psycopg.OperationalError, PoolTimeout) as error:
        log_auth.error("customer lookup failed", reason=str(error).splitlines()[0])
        raise Problem(503, "database_unavailable") from error
    context.step("customer.lookup")
    if row is None or row[1] != hashlib.sha256(form["password"].encode()).hexdigest():
        log_auth.warning("login refused", reason="wrong_password" if row else "unknown_email")
        raise Problem(401, "login_refused")
    token = secrets.token_hex(8)
    _write("session.write", f"session:{token}", str(row[0]))
    log_auth.info("customer logged in", customer=row[0])
    return 200, {"session": token}


@routes.add("POST", "/api/logout")
def logout(request: Request) -> tuple[int, dict[str, Any]]:
    token, customer = _customer(request)
    store.delete(f"session:{token}", f"basket:{token}")
    context.step("session.delete")
    log_auth.info("customer logged out", customer=customer)
    return 200, {}


@routes.add("GET", "/api/products")
def product_list(request: Request) -> tuple[int, dict[str, Any]]:
    return 200, _ask(catalogue, "GET", f"/products?category={request.query.get('category', 'all')}")


@routes.add("GET", "/api/products/{product}")
def product_page(request: Request) -> tuple[int, dict[str, Any]]:
    return 200, _ask(catalogue, "GET", f"/products/{request.parts['product']}")


@routes.add("GET", "/api/search")
def search(request: Request) -> tuple[int, dict[str, Any]]:
    words = request.query.get("q", "")
    if not words:
        raise Problem(422, "q_missing")
    return 200, _ask(catalogue, "GET", f"/search?q={words}")


@routes.add("GET", "/api/basket")
def basket(request: Request) -> tuple[int, dict[str, Any]]:
    token, _ = _customer(request)
    items = json.loads(store.get(f"basket:{token}") or "[]")
    context.step("basket.read")
    log_basket.info("basket read", items=len(items))
    for item in items:
        log_basket.info("basket item", product=item["product"], quantity=item["quantity"])
    return 200, {"items": items}


@routes.add("POST", "/api/basket")
def basket_add(request: Request) -> tuple[int, dict[str, Any]]:
    token, _ = _customer(request)
    form = request.json()
    if not isinstance(form.get("product"), int) or not isinstance(form.get("quantity"), int):
        raise Problem(422, "product_or_quantity_missing")
    price = _ask(catalogue, "GET", f"/prices/{form['product']}")
    if not price["digital"]:
        left = _ask(stock, "GET", f"/availability/{form['product']}")
        if left["available"] < form["quantity"]:
            log_basket.warning("product sold out", product=form["product"])
            raise Problem(409, "sold_out")
    items = json.loads(store.get(f"basket:{token}") or "[]")
    items.append({**form, "price_cents": price["price_cents"], "digital": price["digital"]})
    _write("basket.write", f"basket:{token}", json.dumps(items))
    log_basket.info("product added", product=form["product"], quantity=form["quantity"], items=len(items))
    return 200, {"items": len(items)}


@routes.add("POST", "/api/orders")
def checkout(request: Request) -> tuple[int, dict[str, Any]]:
    token, customer = _customer(request)
    form = request.json()
    items = json.loads(store.get(f"basket:{token}") or "[]")
    context.step("basket.read")
    if not items:
        log_basket.warning("basket is empty")
        raise Problem(409, "basket_empty")
    log_basket.info("checkout started", items=len(items))
    order = {"customer": customer, "items": items, "card": form.get("card"), "voucher": form.get("voucher")}
    order["express"] = bool(form.get("express"))
    answer = _ask(orders, "POST", "/orders", order)
    store.delete(f"basket:{token}")
    context.step("basket.delete")
    log_basket.info("basket emptied", order=answer["order"])
    return 201, answer


@routes.add("GET", "/api/orders")
def order_list(request: Request) -> tuple[int, dict[str, Any]]:
    _, customer = _customer(request)
    return 200, _ask(orders, "GET", f"/orders?customer={customer}")


@routes.add("GET", "/api/orders/{order}")
def order_status(request: Request) -> tuple[int, dict[str, Any]]:
    _customer(request)
    return 200, _ask(orders, "GET", f"/orders/{request.parts['order']}")


@routes.add("POST", "/api/orders/{order}/cancel")
def order_cancel(request: Request) -> tuple[int, dict[str, Any]]:
    _customer(request)
    return 200, _ask(orders, "POST", f"/orders/{request.parts['order']}/cancel")


@routes.add("GET", "/api/health")
def health(request: Request) -> tuple[int, dict[str, Any]]:
    return 200, {"version": release.version}


def _started() -> None:
    log_http.info("service started", version=release.version)


def _reload() -> None:
    release.load()
    log_http.info("release activated", version=release.version)


if __name__ == "__main__":
    serve("api", routes, Observer(), _started, _reload)
