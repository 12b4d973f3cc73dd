"""How much of each product is left, and reservations for orders. Logs text with the worker in front."""

import datetime
import logging
from typing import Any

import context
import psycopg
import settings
from database import Pool, PoolTimeout
from release import Release
from serving import Problem, Request, Routes, serve

release = Release("stock")
routes = Routes()


class _Format(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z"

    def format(self, record: logging.LogRecord) -> str:
        record.rid = context.current.request_id
        return super().format(record)


def _configure_logs() -> None:
    handler = logging.FileHandler(settings.LOGS / "stock.log")
    pattern = "%(asctime)s [%(threadName)s] %(levelname)s request_id=%(rid)s %(name)s - %(message)s"
    handler.setFormatter(_Format(pattern))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


_configure_logs()
log = logging.getLogger("stock.http")
log_reservations = logging.getLogger("stock.reservations")
pool = Pool("stock", logging.getLogger("stock.pool"))


class Observer:
    def received(self, request: Request) -> None:
        """Stock logs what it did, not what it was asked."""

    def served(self, request: Request, status: int, milliseconds: int) -> None:
        if milliseconds > settings.SLOW_MS:
            log.warning("%s %s took %d ms", request.method, request.path, milliseconds)

    def rejected(self, request: Request, problem: Problem, milliseconds: int) -> None:
        level = logging.WARNING if problem.status < 500 else logging.ERROR
        log.log(level, "%s %s refused: %d %s", request.method, request.path, problem.status, problem.code)

    def crashed(self, request: Request, error: Exception) -> None:
        log.exception("%s %s failed", request.method, request.path)


@routes.add("GET", "/availability/{product}")
def availability(request: Request) -> tuple[int, dict[str, Any]]:
    product = int(request.parts["product"])
    try:
        with pool.connection() as connection:
            row = connection.execute("SELECT available FROM stock WHERE product_id = %s", [product]).fetchone()
    except (psycopg.OperationalError, PoolTimeout) as error:
        log.error("cannot read the stock: %s", error)
        raise Problem(503, "database_unavailable") from error
    context.step("availability")
    available = row[0] if row else 0
    log.info("availability of product %d read", product)
    if 0 < available < 100:
        log.info("product %d is low on stock, %d left", product, available)
    return 200, {"available": available}


@routes.add("POST", "/reservations")
def reserve(request: Request) -> tuple[int, dict[str, Any]]:
    wanted = request.json()
    try:
        with pool.connection() as connection, connection.transaction():
            row = connection.execute(
                "UPDATE stock SET available = available - %s WHERE product_id = %s AND available >= %s "
                "RETURNING available",
                [wanted["quantity"], wanted["product"], wanted["quantity"]],
            ).fetchone()
            if row is None:
                raise Problem(409, "sold_out")
            connection.execute(
                "INSERT INTO reservations (order_id, product_id, quantity) VALUES (%s, %s, %s)",
                [wanted["order"], wanted["product"], wanted["quantity"]],
            )
    except psycopg.errors.QueryCanceled as error:
        log_reservations.error("reservation of product %d gave up: %s", wanted["product"], error)
        raise Problem(503, "stock_busy") from error
    except (psycopg.OperationalError, PoolTimeout) as error:
        log_reservations.error("reservation failed: %s", error, exc_info=True)
        raise Problem(503, "database_unavailable") from error
    context.step("stock.reserved")
    log_reservations.info(
        "reserved %d of product %d for order %d", wanted["quantity"], wanted["product"], wanted["order"]
    )
    return 201, {"left": row[0]}


@routes.add("DELETE", "/reservations/{order}")
def give_back(request: Request) -> tuple[int, dict[str, Any]]:
    order = int(request.parts["order"])
    try:
        with pool.connection() as connection, connection.transaction():
            rows = connection.execute(
                "UPDATE reservations SET released_at = clock_timestamp() WHERE order_id = %s AND released_at IS NULL "
                "RETURNING product_id, quantity",
                [order],
            ).fetchall()
            for product, quantity in sorted(rows):
                connection.execute(
                    "UPDATE stock SET available = available + %s WHERE product_id = %s", [quantity, product]
                )
    except psycopg.errors.QueryCanceled as error:
        log_reservations.error("release for order %d gave up: %s", order, error)
        raise Problem(503, "stock_busy") from error
    except (psycopg.OperationalError, PoolTimeout) as error:
        log_reservations.error("release failed: %s", error, exc_info=True)
        raise Problem(503, "database_unavailable") from error
    context.step("stock.released")
    log_reservations.info("released %d reservations of order %d", len(rows), order)
    return 200, {"released": len(rows)}


def _started() -> None:
    log.info("stock %s ready", release.version)


def _reload() -> None:
    release.load()
    log.info("stock switched to release %s", release.version)


if __name__ == "__main__":
    serve("stock", routes, Observer(), _started, _reload)
