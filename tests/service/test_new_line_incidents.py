"""New kinds of lines outside of sessions: told at once, one incident from the first line to the last."""

import json
import random
import signal
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isang.config import from_dict
from isang.stages import detect, run
from tests.service.conftest import Process

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3_600
TAPE = "ERROR tape drive refuses cartridge"
Extra = tuple[tuple[float, str], ...]


def orders(hours: float, seed: int, begin: float, extra: Extra = ()) -> list[str]:
    """Orders with a key, a line of no session each minute, and `extra` lines at their seconds."""
    chance, lines = random.Random(seed), [*extra]
    at, number = 0.0, 0
    while at < hours * HOUR:
        at += chance.expovariate(1.0)
        number += 1
        key = f"o{int(begin):06}{number:06}"
        lines += [(at, f"INFO order={key} placed"), (at + 0.2, f"INFO order={key} paid {number % 97} EUR")]
    lines += [(float(second), "INFO store opened for writing") for second in range(0, int(hours * HOUR), 60)]
    stamps = [(f"{(MIDNIGHT + timedelta(seconds=begin + at)).isoformat(' ', 'milliseconds')[:23]}", text)
              for at, text in sorted(lines)]  # fmt: skip
    return [f"{stamp} {text}" for stamp, text in stamps]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("orders")
    (folder / "shop.log").write_text("".join(f"{line}\n" for line in orders(4, 1, 0)))
    run([folder / "shop.log"], folder / "out", config=from_dict({"model": {"encoder": False}}))
    return folder / "out"


def listed(service: Process, state: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.get(f"/api/v1/incidents?state={state}")["incidents"]
    return [one for one in found if one["symptoms"][0]["kind"] == "new"]


def test_an_error_of_no_session_is_told_at_once_over_kills_until_it_stays_away(
    trained: Path, tmp_path: Path, serving: Callable[..., Process]
) -> None:
    service = serving(tmp_path / "home", trained)
    assert "new kinds of lines of no session" in service.get("/api/v1/status")["watches"]
    extra = tuple((1_200.0 + 20 * number, f"{TAPE} {number}") for number in range(15))
    lines = orders(1, 2, 10 * HOUR, (*extra, (300.0, "INFO rotated the ledger")))
    (tmp_path / "shop.log").write_text("".join(f"{line}\n" for line in lines))
    (offline,) = detect(trained, [tmp_path / "shop.log"]).incidents
    assert (offline.symptoms[0]["kind"], offline.sessions) == ("new", 15)
    first = next(place for place, line in enumerate(lines) if TAPE in line)

    def send(some: list[str]) -> None:
        assert service.ingest("".join(f"{line}\n" for line in some), "shop.log")

    send(lines[:first])
    service.until(lambda status: not status["behind"])
    assert not listed(service, "firing"), "a line that came once and reports no failure is none"
    send(lines[first : first + 1])
    sent = time.monotonic()
    while not listed(service, "firing"):
        assert time.monotonic() - sent < 5
        time.sleep(0.05)
    (told,) = listed(service, "firing")
    assert told["title"] == "Tape drive refuses cartridge …: 1 line since 10:20; never seen before"
    assert (told["symptoms"][0]["kind"], told["sources"]) == ("new", ["shop.log"])
    assert told["fingerprint"] == offline.fingerprint
    service.end(signal.SIGKILL)
    service = serving(tmp_path / "home", trained)
    last = max(place for place, line in enumerate(lines) if TAPE in line)
    for place in range(first + 1, last + 1, 100):
        send(lines[place : min(place + 100, last + 1)])
    service.until(lambda _: [one["severity"] for one in listed(service, "firing")] == ["high"])
    assert [one["id"] for one in listed(service, "firing")] == [told["id"]]
    given = {"verdict": "normal", "scope": "incident"}
    address = f"http://127.0.0.1:{service.port}/api/v1/incidents/{told['id']}/feedback"
    urllib.request.urlopen(
        urllib.request.Request(address, json.dumps(given).encode(), {"Content-Type": "application/json"}), timeout=20
    ).close()
    service.until(lambda _: listed(service, "firing")[0]["silenced_by"] is not None)
    send(lines[last + 1 :])
    service.until(lambda _: bool(listed(service, "resolved")))
    assert [one["id"] for one in listed(service, "resolved")] == [told["id"]]
    assert not listed(service, "firing")
    assert service.end() == 143
