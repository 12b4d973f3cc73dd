"""The faults: how each is made and how it is repaired, on the running shop."""

import signal
import threading
import time
from collections.abc import Callable

import psycopg
import redis
import settings
from plan import KINDS, PAUSE_SECONDS, Fault, Plan
from system import Shop, connect

MAKE_SECONDS = 0.4
"""When in the pause at its start a fault is made; the requests before it are answered by then."""
CAMPAIGN_KEYS = 200
DISK_FILLER = settings.INVOICES / "core.1"
DEFECTS = {
    "pool_exhausted": "leaks-connections",
    "release_throws": "search-throws",
    "release_skips_step": "skips-reservation",
    "release_swaps_steps": "charges-before-reserving",
}


class Director(threading.Thread):
    """Makes and repairs faults, and releases services, at their planned times."""

    def __init__(self, plan: Plan, shop: Shop, started: float) -> None:
        super().__init__(daemon=True)
        self._shop, self._zero = shop, started
        self._lock: psycopg.Connection[tuple[object, ...]] | None = None
        self.failure: Exception | None = None
        pause = -PAUSE_SECONDS
        agenda: list[tuple[float, Callable[[], None]]] = []
        for fault in plan.faults:
            make, repair = plan.clock(fault.start) + pause, plan.clock(fault.end) + pause
            agenda.append((make + MAKE_SECONDS, lambda fault=fault: self.make(fault)))
            agenda.append((repair + KINDS[fault.kind].repair_seconds, lambda fault=fault: self.repair(fault)))
        for release in plan.releases:
            at = plan.clock(release.at)
            agenda.append((at, lambda release=release: self._shop.release(release.service, release.version, [])))
        self._agenda = sorted(agenda, key=lambda entry: entry[0])

    def run(self) -> None:
        try:
            for at, action in self._agenda:
                time.sleep(max(0.0, self._zero + at - time.time()))
                action()
        except Exception as failure:
            self.failure = failure

    def make(self, fault: Fault) -> None:
        shop = self._shop
        match fault.kind:
            case "database_stopped":
                shop.stop("postgres", signal.SIGINT)
            case "redis_out_of_memory":
                self._fill_redis()
            case "service_killed":
                shop.stop(fault.service, signal.SIGKILL)
            case "service_frozen":
                shop.signal(fault.service, signal.SIGSTOP)
            case "lock_contention":
                self._lock = connect()
                self._lock.execute("SELECT product_id FROM stock ORDER BY product_id FOR UPDATE")
            case "bank_hangs":
                shop.behave(mode="hang", refusals=0)
            case "retry_storm":
                shop.behave(mode="refuse", refusals=3)
            case "disk_full":
                self._fill_disk()
            case "invalid_burst":
                """The traffic itself is the fault."""
            case kind:
                shop.release(fault.service, _next(shop.version(fault.service)), [DEFECTS[kind]])

    def repair(self, fault: Fault) -> None:
        shop = self._shop
        match fault.kind:
            case "database_stopped":
                shop.start("postgres")
            case "redis_out_of_memory":
                with redis.Redis(port=settings.PORTS["redis"]) as store:
                    store.delete(*(f"campaign:{number}" for number in range(CAMPAIGN_KEYS)))
                    store.config_set("maxmemory", "48mb")
            case "service_killed":
                shop.start(fault.service)
            case "service_frozen":
                shop.signal(fault.service, signal.SIGCONT)
            case "lock_contention":
                self._lock.rollback()
                self._lock.close()
            case "bank_hangs" | "retry_storm":
                shop.behave(mode="ok", refusals=0)
            case "disk_full":
                DISK_FILLER.unlink()
            case "invalid_burst":
                """It is over by itself."""
            case _:
                shop.release(fault.service, _next(shop.version(fault.service)), [])

    def _fill_redis(self) -> None:
        """An import fills the memory, and the limit turns out to be lower than it was thought to be."""
        with redis.Redis(port=settings.PORTS["redis"]) as store:
            for number in range(CAMPAIGN_KEYS):
                store.set(f"campaign:{number}", b"x" * 100_000)
            store.config_set("maxmemory", "12mb")

    def _fill_disk(self) -> None:
        with DISK_FILLER.open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                pass  # full, as wanted


def _next(version: str) -> str:
    major, minor, patch = version.split(".")
    return f"{major}.{minor}.{int(patch) + 1}"
