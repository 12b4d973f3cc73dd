"""Anomalies that come one after another make the incidents that they make together."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from isang.detection.causes.grouping import incidents_of
from isang.detection.causes.symptoms import lead
from isang.service.judging.incident_book import KEPT_RECORDS, IncidentBook
from isang.service.storage.database import Database
from tests.detection.test_incidents import HOUR, NOON, new

FAULTS = (
    "disk is full", "bank does not answer", "cache lost its server", "queue overflows", "certificate expired today",
    "thread pool exhausted", "clock runs backwards", "index is corrupt", "login store unavailable", "lock is kept",
)  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """All of a model that the book of incidents asks for: an alert of normal sessions comes every minute."""

    facts: dict[str, Any] = field(
        default_factory=lambda: {
            "period_sessions": 1000, "left_out_as_anomalous": 0,
            "trained_from": (NOON - timedelta(hours=1)).isoformat(),
            "trained_until": (NOON - timedelta(minutes=1)).isoformat(),
        }
    )  # fmt: skip
    config: Any = field(default_factory=lambda: SimpleNamespace(detection=SimpleNamespace(alerts_per_thousand=59.0)))


def faults(chance: random.Random) -> list[dict[str, Any]]:
    """One fault every five minutes or so, of sessions that follow each other closely."""
    found = []
    for place, line in enumerate(FAULTS):
        begin = 60 + 300 * place + chance.uniform(0, 100)
        found += [new(round(begin + chance.uniform(0, 3), 3), line) for _ in range(chance.randrange(2, 12))]
    return sorted(found, key=lambda record: record["start"])


@pytest.mark.parametrize("seed", range(6))
def test_live_incidents_are_those_of_the_finished_log(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    records = faults(chance)
    together = Counter({one.fingerprint: one.sessions for one in incidents_of([dict(one) for one in records], HOUR)})
    assert len(together) == len(FAULTS)

    database = Database(tmp_path / "isang.db")
    book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    told = Counter[str]()
    seconds = 0.0
    while seconds < 3600:
        seconds += chance.uniform(1, 40)
        now = NOON + timedelta(seconds=seconds)
        come = [one for one in records if datetime.fromisoformat(one["start"]) <= now]
        records = records[len(come) :]
        chance.shuffle(come)  # within a look in no order
        changes = [
            *book.add(come, 1000, int(now.timestamp() * 1e6)), *book.resolve(int(now.timestamp() * 1e6)),
        ]  # fmt: skip
        told.update(change.event for change in changes)
        if chance.random() < 0.2:
            book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    live = Counter[str]()
    for incident in database.incidents(limit=100):
        live[incident["fingerprint"]] += incident["sessions"]
    assert live == together
    assert told["firing"] == len(FAULTS)


def test_an_outage_of_many_sessions_stays_one_incident(tmp_path: Path) -> None:
    database = Database(tmp_path / "isang.db")
    book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    count = 3 * KEPT_RECORDS
    for place in range(0, count, 50):
        records = [new(100 + 0.1 * (place + number), "disk is full") for number in range(50)]
        book.add(records, 1000, int((NOON + timedelta(seconds=200)).timestamp() * 1e6))
        if place == 300:
            book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    (incident,) = database.incidents()
    assert incident["sessions"] == count
    assert f"{count} sessions since" in incident["title"]
    assert len(database.anomalies_of(incident["id"])) == KEPT_RECORDS
    assert incident["last_seen"] == (NOON + timedelta(seconds=100 + 0.1 * (count - 1))).isoformat()


@pytest.mark.parametrize("kinds", [3, 2 * KEPT_RECORDS])
def test_an_outage_that_shows_itself_in_many_ways_keeps_its_name(tmp_path: Path, kinds: int) -> None:
    """What an incident is named after is often shown first when more records have come than are kept."""
    chance = random.Random(kinds)
    database = Database(tmp_path / "isang.db")
    book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    words = ["".join(chance.choices("abcdefgh", k=12)) for _ in range(kinds)]
    lines = [f"disk {words[min(kinds - 1, place * kinds // 900)]} is full" for place in range(900)]
    lines += ["aaa took the last place"] * 300  # sorts before every other and is the most frequent
    for place in range(0, len(lines), 100):
        some = [new(100 + 0.1 * (place + at), line) for at, line in enumerate(lines[place : place + 100])]
        book.add(some, 2000, int((NOON + timedelta(seconds=300)).timestamp() * 1e6))
        if place in {300, 1000}:
            book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    (incident,) = database.incidents()
    assert incident["sessions"] == len(lines)
    assert incident["symptoms"][0]["fingerprint"] == incident["fingerprint"]
    kept = database.anomalies_of(incident["id"])
    assert len(kept) == KEPT_RECORDS
    assert incident["fingerprint"] in {lead(record).fingerprint for record in kept}


def test_a_resolved_incident_expires_and_its_lines_go(tmp_path: Path) -> None:
    database = Database(tmp_path / "isang.db")
    book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    noon_us = int(NOON.timestamp() * 1e6)
    book.add([new(100, "disk is full"), new(5_000, "bank does not answer")], 1000, noon_us)
    book.resolve(noon_us + 1_000_000_000)
    assert database.expire(noon_us) == 0
    assert database.expire(noon_us + 2_000_000_000) == 1
    expired, firing = database.incidents(state="expired"), database.incidents(state="firing")
    assert [one["title"].partition(":")[0] for one in expired] == ["Disk is full"]
    assert (len(firing), database.counts()[("logs", "expired")]) == (1, 1)
    assert database.anomalies_of(expired[0]["id"]) == []
    assert len(database.anomalies_of(firing[0]["id"])) == 1
    assert expired[0]["examples"], "what the document says of it stays"


def test_a_session_that_ends_does_not_make_its_incident_smaller(tmp_path: Path) -> None:
    """Of more sessions than are kept each comes twice: while it goes on, and when it has ended."""
    database = Database(tmp_path / "isang.db")
    book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    now_us = int((NOON + timedelta(seconds=300)).timestamp() * 1e6)
    count = 2 * KEPT_RECORDS
    for place in range(0, count, 50):
        records = [new(100 + 0.1 * (place + number), "disk is full") for number in range(50)]
        book.add(records, 1000, now_us)
        book.add([record | {"p_value": 1e-6} for record in records], 1000, now_us)
    (incident,) = database.incidents()
    assert incident["sessions"] == incident["symptoms"][0]["sessions"] == count
    assert sum(episode["sessions"] for episode in incident["episodes"]) == count
    kept = database.anomalies_of(incident["id"])
    assert len(kept) == KEPT_RECORDS
    assert {record["p_value"] for record in kept} == {1e-6}


def test_what_a_session_is_named_after_may_change_when_it_has_ended(tmp_path: Path) -> None:
    """The only record that is kept of what an incident was named after is judged again, as something else."""
    database = Database(tmp_path / "isang.db")
    book = IncidentBook(database, Watched(), "m")  # type: ignore[arg-type]
    now_us = int((NOON + timedelta(seconds=300)).timestamp() * 1e6)
    first = [new(100 + 0.1 * at, "aaa took the last place") for at in range(KEPT_RECORDS)]
    book.add([*first, *(new(100.05 + 0.01 * at, "disk is full") for at in range(2 * KEPT_RECORDS))], 1000, now_us)
    (incident,) = database.incidents()
    kept = [one for one in database.anomalies_of(incident["id"]) if lead(one).template == "disk is full"]
    again = [one | {"reasons": new(1, "bbb came instead")["reasons"]} for one in kept]
    book.add(again, 1000, now_us)
    (incident,) = database.incidents()
    assert incident["symptoms"][0]["template"] in {"aaa took the last place", "bbb came instead"}
