"""Charges and refunds through the bank. Logs JSON lines."""

import datetime
import json
import logging
import time
import traceback
from typing import Any

import context
import psycopg
import settings
from calling import CallFailed, Client
from database import Pool, PoolTimeout
from release import Release
from serving import Problem, Request, Routes, every, serve

ATTEMPTS = 2
BACKOFF_SECONDS = 0.2

release = Release("payment")
bank = Client("bank", settings.BANK_TIMEOUT_SECONDS)
routes = Routes()


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "ts": f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "request_id": context.current.request_id,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[1]:
            line["stack"] = "".join(traceback.format_exception(record.exc_info[1]))
        return json.dumps(line)


def _configure_logs() -> None:
    handler = logging.FileHandler(settings.LOGS / "payment.log")
    handler.setFormatter(_Json())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


_configure_logs()
log_http = logging.getLogger("payment.http")
log_charges = logging.getLogger("payment.charges")
log_bank = logging.getLogger("payment.bank")
pool = Pool("payment", logging.getLogger("payment.pool"))


def _write(log: logging.Logger, level: int, message: str, *, error: Exception | None = None, **fields: Any) -> None:
    log.log(level, message, extra={"fields": fields}, exc_info=error)


class Observer:
    def received(self, request: Request) -> None:
        _write(log_http, logging.INFO, "request", method=request.method, path=request.path)

    def served(self, request: Request, status: int, milliseconds: int) -> None:
        _write(log_http, logging.INFO, "response", status=status, ms=milliseconds)

    def rejected(self, request: Request, problem: Problem, milliseconds: int) -> None:
        level = logging.WARNING if problem.status < 500 else logging.ERROR
        _write(log_http, level, "response", error=problem, status=problem.status, ms=milliseconds)

    def crashed(self, request: Request, error: Exception) -> None:
        _write(log_http, logging.ERROR, "unhandled exception", error=error)


def _execute(statement: str, values: list[Any]) -> None:
    try:
        with pool.connection() as connection:
            connection.execute(statement, values)
    except (psycopg.OperationalError, PoolTimeout) as error:
        _write(log_charges, logging.ERROR, "ledger unavailable", error=error)
        raise Problem(503, "database_unavailable") from error


def _authorise(order: int, amount_cents: int, card: str) -> int:
    """Ask the bank, again where it fails; returns the attempts that it took."""
    failure = Problem(503, "bank_unavailable")
    for attempt in range(1, ATTEMPTS + 1):
        context.step("bank.asked")
        content = {"order": order, "amount_cents": amount_cents, "card": card}
        try:
            status, _ = bank.call("POST", "/authorisations", content)
        except CallFailed as error:
            _write(log_bank, logging.ERROR, f"attempt {attempt}: {error.reason}")
            failure = Problem(504 if error.timed_out else 503, "bank_unavailable")
        else:
            if status == 200:
                _write(log_bank, logging.INFO, f"attempt {attempt}: authorised")
                return attempt
            if status == 402:
                _write(log_bank, logging.WARNING, f"attempt {attempt}: declined")
                raise Problem(402, "card_declined")
            _write(log_bank, logging.ERROR, f"attempt {attempt}: bank answered {status}")
            failure = Problem(503, "bank_unavailable")
        if attempt < ATTEMPTS:
            time.sleep(BACKOFF_SECONDS)
    raise failure


@routes.add("POST", "/charges")
def charge(request: Request) -> tuple[int, dict[str, Any]]:
    wanted = request.json()
    attempts = _authorise(wanted["order"], wanted["amount_cents"], wanted["card"])
    _execute(
        "INSERT INTO charges (order_id, amount_cents, attempts) VALUES (%s, %s, %s)",
        [wanted["order"], wanted["amount_cents"], attempts],
    )
    context.step("charged")
    _write(log_charges, logging.INFO, "charge recorded", order=wanted["order"], amount_cents=wanted["amount_cents"])
    return 201, {"attempts": attempts}


@routes.add("POST", "/refunds/{order}")
def refund(request: Request) -> tuple[int, dict[str, Any]]:
    order = int(request.parts["order"])
    _execute("UPDATE charges SET refunded_at = clock_timestamp() WHERE order_id = %s", [order])
    context.step("refunded")
    _write(log_charges, logging.INFO, "refund recorded", order=order)
    return 200, {}


def _settle() -> None:
    try:
        with pool.connection() as connection:
            row = connection.execute("SELECT count(*), coalesce(sum(amount_cents), 0) FROM charges").fetchone()
    except (psycopg.OperationalError, PoolTimeout) as error:
        _write(log_charges, logging.ERROR, "settlement failed", error=error)
        return
    _write(log_charges, logging.INFO, "settlement", charges=row[0], total_cents=row[1])


def _started() -> None:
    _write(log_http, logging.INFO, "started", version=release.version)
    every(45, _settle)


def _reload() -> None:
    release.load()
    _write(log_http, logging.INFO, "release active", version=release.version)


if __name__ == "__main__":
    serve("payment", routes, Observer(), _started, _reload)
