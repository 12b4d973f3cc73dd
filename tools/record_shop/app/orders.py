"""Orders: create, reserve, charge, confirm, write the invoice; cancel. Logs as Spring Boot with tracing does."""

import datetime
import logging
import os
import time
from pathlib import Path
from typing import Any

import context
import psycopg
import settings
from calling import CallFailed, Client
from database import Pool, PoolTimeout
from release import Release
from serving import Problem, Request, Routes, serve

PAYMENT_CALLS = 2
INVOICES_KEPT = 200

release = Release("orders")
stock, payment = Client("stock"), Client("payment")
routes = Routes()


class _Spring(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created)
        record.stamp = f"{moment:%Y-%m-%d %H:%M:%S}.{int(record.msecs):03d}"
        record.level = {"WARNING": "WARN"}.get(record.levelname, record.levelname)
        record.trace = context.current.request_id if context.current.request_id != "-" else ""
        return super().format(record)


def _configure_logs() -> None:
    handler = logging.FileHandler(settings.LOGS / "orders.log")
    pid = os.getpid()
    handler.setFormatter(
        _Spring(f"%(stamp)s %(level)5s [orders,%(trace)s] {pid} --- [%(threadName)s] %(name)s : %(message)s")
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler])


_configure_logs()
log_http = logging.getLogger("c.shop.orders.RequestFilter")
log = logging.getLogger("c.shop.orders.OrderService")
log_payment = logging.getLogger("c.shop.orders.PaymentClient")
log_stock = logging.getLogger("c.shop.orders.StockClient")
log_delivery = logging.getLogger("c.shop.orders.DeliveryService")
log_invoices = logging.getLogger("c.shop.orders.InvoiceWriter")
pool = Pool("orders", logging.getLogger("c.shop.orders.ConnectionPool"))


class Observer:
    def received(self, request: Request) -> None:
        log_http.info("Started %s %s", request.method, request.path)

    def served(self, request: Request, status: int, milliseconds: int) -> None:
        log_http.info("Completed %d in %d ms", status, milliseconds)

    def rejected(self, request: Request, problem: Problem, milliseconds: int) -> None:
        level = logging.WARNING if problem.status < 500 else logging.ERROR
        log_http.log(level, "Completed %d (%s) in %d ms", problem.status, problem.code, milliseconds)

    def crashed(self, request: Request, error: Exception) -> None:
        log_http.exception("Request failed with an unhandled exception")


def _execute(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    try:
        if release.has("leaks-connections") and statement.startswith("SELECT"):
            _, connection = pool.lend()  # and never given back
            return connection.execute(statement, values).fetchall()
        with pool.connection() as connection:
            cursor = connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
    except (psycopg.OperationalError, PoolTimeout) as error:
        log.error("Database access failed: %s", error, exc_info=True)
        raise Problem(503, "database_unavailable") from error


def _call(client: Client, log_client: logging.Logger, method: str, path: str, content: dict[str, Any] | None) -> None:
    try:
        status, answer = client.call(method, path, content)
    except CallFailed as error:
        log_client.error("%s %s failed: %s", method, path, error.reason)
        raise Problem(504 if error.timed_out else 503, f"{client.service}_unavailable") from error
    if status >= 400:
        raise Problem(status, answer.get("error", "refused"))


def _reserve(order: int, items: list[dict[str, Any]]) -> None:
    if release.has("skips-reservation"):
        return
    for item in items:
        if not item["digital"]:
            content = {"order": order, "product": item["product"], "quantity": item["quantity"]}
            _call(stock, log_stock, "POST", "/reservations", content)
            log_stock.info("Reserved product %d for order %d", item["product"], order)


def _charge(order: int, total_cents: int, card: str) -> None:
    content = {"order": order, "amount_cents": total_cents, "card": card}
    for attempt in range(1, PAYMENT_CALLS + 1):
        try:
            _call(payment, log_payment, "POST", "/charges", content)
        except Problem as problem:
            if problem.status != 503 or attempt == PAYMENT_CALLS:
                raise
            log_payment.warning("Payment of order %d failed (%s), trying again", order, problem.code)
            time.sleep(0.3)
        else:
            log_payment.info("Order %d is paid", order)
            return


def _discount(order: int, code: str | None, total_cents: int) -> int:
    if code is None:
        return total_cents
    rows = _execute("SELECT percent FROM vouchers WHERE code = %s", [code])
    if not rows:
        log.warning("Voucher %s is not known, order %d goes on without", code, order)
        context.step("voucher.unknown")
        return total_cents
    log.info("Voucher %s gives %d %% off order %d", code, rows[0][0], order)
    context.step("voucher")
    return total_cents * (100 - rows[0][0]) // 100


def _deliver(order: int, items: list[dict[str, Any]]) -> None:
    if not all(item["digital"] for item in items):
        log_delivery.info("Parcel for order %d requested", order)
        context.step("parcel")
    if any(item["digital"] for item in items):
        log_delivery.info("Download link for order %d sent", order)
        context.step("download")


def _invoice(order: int, customer: int, total_cents: int) -> None:
    path = settings.INVOICES / f"{order}.txt"
    try:
        path.write_text(f"Order {order}\nCustomer {customer}\nTotal {total_cents / 100:.2f}\n" + "-" * 4000)
    except OSError:
        path.unlink(missing_ok=True)
        log_invoices.error("Invoice of order %d could not be written, it stays pending", order, exc_info=True)
        context.step("invoice.failed")
        return
    context.step("invoice")
    log_invoices.info("Invoice of order %d written", order)
    Path(settings.INVOICES / f"{order - INVOICES_KEPT}.txt").unlink(missing_ok=True)


def _give_up(order: int, items: list[dict[str, Any]], problem: Problem) -> None:
    """Undo what was done for an order that cannot be completed; what cannot be undone now is left to a clean-up."""
    log.warning("Order %d is given up: %s", order, problem.code)
    try:
        if not all(item["digital"] for item in items):
            _call(stock, log_stock, "DELETE", f"/reservations/{order}", None)
        _execute("UPDATE orders SET state = 'FAILED' WHERE id = %s", [order])
    except Problem as second:
        log.error("Order %d is left for the clean-up: %s", order, second.code)


@routes.add("POST", "/orders")
def create(request: Request) -> tuple[int, dict[str, Any]]:
    wanted = request.json()
    items = wanted["items"]
    total_cents = sum(item["quantity"] * item["price_cents"] for item in items)
    if wanted["express"]:
        log.info("Express checkout for customer %d", wanted["customer"])
        context.step("express")
    rows = _execute(
        "INSERT INTO orders (request_id, customer_id, state, total_cents) VALUES (%s, %s, 'NEW', %s) RETURNING id",
        [context.current.request_id, wanted["customer"], total_cents],
    )
    order = rows[0][0]
    context.step("order.created")
    log.info("Created order %d with %d items", order, len(items))
    total_cents = _discount(order, wanted.get("voucher"), total_cents)
    try:
        if wanted["express"] or release.has("charges-before-reserving"):
            _charge(order, total_cents, wanted["card"])
            _reserve(order, items)
        else:
            _reserve(order, items)
            _charge(order, total_cents, wanted["card"])
    except Problem as problem:
        _give_up(order, items, problem)
        raise
    _execute("UPDATE orders SET state = 'CONFIRMED', total_cents = %s WHERE id = %s", [total_cents, order])
    context.step("order.confirmed")
    log.info("Order %d confirmed", order)
    _deliver(order, items)
    _invoice(order, wanted["customer"], total_cents)
    return 201, {"order": order}


@routes.add("GET", "/orders")
def history(request: Request) -> tuple[int, dict[str, Any]]:
    rows = _execute("SELECT id, state FROM orders WHERE customer_id = %s", [int(request.query["customer"])])
    context.step("order.list")
    log.info("Customer %s has %d orders", request.query["customer"], len(rows))
    for order, state in rows[-20:]:
        log.info("History: order %d %s", order, state)
    return 200, {"orders": rows}


@routes.add("GET", "/orders/{order}")
def status(request: Request) -> tuple[int, dict[str, Any]]:
    order = int(request.parts["order"])
    rows = _execute("SELECT state FROM orders WHERE id = %s", [order])
    context.step("order.read")
    if not rows:
        log.warning("No order %d", order)
        raise Problem(404, "no_such_order")
    log.info("Order %d is %s", order, rows[0][0])
    return 200, {"state": rows[0][0]}


@routes.add("POST", "/orders/{order}/cancel")
def cancel(request: Request) -> tuple[int, dict[str, Any]]:
    order = int(request.parts["order"])
    rows = _execute("UPDATE orders SET state = 'CANCELLED' WHERE id = %s AND state = 'CONFIRMED' RETURNING id", [order])
    context.step("order.cancelled")
    if not rows:
        log.warning("Order %d cannot be cancelled", order)
        raise Problem(409, "not_cancellable")
    log.info("Cancelling order %d", order)
    _call(stock, log_stock, "DELETE", f"/reservations/{order}", None)
    _call(payment, log_payment, "POST", f"/refunds/{order}", {})
    log.info("Order %d cancelled and refunded", order)
    return 200, {}


def _started() -> None:
    logging.getLogger("c.shop.orders.Application").info("Started orders %s", release.version)


def _reload() -> None:
    release.load()
    pool.renew()
    logging.getLogger("c.shop.orders.Application").info("Release %s activated, connections renewed", release.version)


if __name__ == "__main__":
    serve("orders", routes, Observer(), _started, _reload)
