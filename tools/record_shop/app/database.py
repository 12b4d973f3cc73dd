"""A pool of PostgreSQL connections whose statements carry the request's id as their application name."""

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import context
import psycopg
import settings

Connection = psycopg.Connection[Any]
Places = queue.LifoQueue[Connection | None]
"""The places that are free in a pool; None is a place whose connection is opened on first use."""


class PoolTimeout(Exception):
    """No connection became free in time."""


def _new_places() -> Places:
    places: Places = queue.LifoQueue()
    for _ in range(settings.POOL_SIZE):
        places.put(None)
    return places


class Pool:
    """At most `settings.POOL_SIZE` connections; idle ones are tested every half second, as pools do."""

    def __init__(self, service: str, log: logging.Logger | None = None) -> None:
        self._service, self._log = service, log or logging.getLogger("pool")
        self._idle = _new_places()
        threading.Thread(target=self._keep_alive, daemon=True, name="pool-housekeeper").start()

    def renew(self) -> None:
        """Begin with a new, empty pool; what was lent from the old one is not waited for."""
        old, self._idle = self._idle, _new_places()
        for _ in range(settings.POOL_SIZE):
            old.put(None)  # whoever still waits for a place in the old pool gets one

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in autocommit mode. Raises PoolTimeout, or psycopg's OperationalError where none can be had."""
        pool, connection = self.lend()
        try:
            connection.execute("SELECT set_config('application_name', %s, false)", [context.current.request_id])
            yield connection
        finally:
            if not connection.closed:
                connection.execute("SELECT set_config('application_name', '-', false)")
            pool.put(None if connection.closed else connection)

    def lend(self) -> tuple[Places, Connection]:
        pool = self._idle
        try:
            connection = pool.get(timeout=settings.POOL_WAIT_SECONDS)
        except queue.Empty:
            raise PoolTimeout(
                f"pool of size {settings.POOL_SIZE} exhausted, no connection free within "
                f"{settings.POOL_WAIT_SECONDS:.1f} s"
            ) from None
        try:
            return pool, connection or self._connect()
        except psycopg.OperationalError:
            pool.put(None)
            raise

    def _connect(self) -> Connection:
        return psycopg.connect(
            host="127.0.0.1", port=settings.PORTS["postgres"], dbname="shop", user=self._service, autocommit=True,
            connect_timeout=2, application_name="-", options=f"-c statement_timeout={settings.STATEMENT_TIMEOUT_MS}",
        )  # fmt: skip

    def _keep_alive(self) -> None:
        while True:
            time.sleep(0.5)
            pool = self._idle
            taken = []
            while True:
                try:
                    taken.append(pool.get_nowait())
                except queue.Empty:
                    break
            for connection in reversed(taken):
                pool.put(connection if connection is not None and self._alive(connection) else None)

    def _alive(self, connection: Connection) -> bool:
        try:
            connection.execute("")
        except psycopg.OperationalError as error:
            self._log.warning("Dropped a dead database connection: %s", str(error).splitlines()[0])
            return False
        return True
