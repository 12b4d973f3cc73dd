"""A service that is told to stop ends in time, and what it left is judged after the next start."""

import threading
import time
from pathlib import Path

import pytest

from isang.logs.stream.record import Record, frame_of
from isang.service.feedback import Feedback
from isang.service.judging import loop
from isang.service.judging.loop import Judging
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.storage.journal import BATCH_RECORDS, RecordJournal

NEVER_SEEN = "2026-06-01 09:{:02d}:{:02d},000 ERROR [web] shop.Service: the reactor leaks request=rs{:07d}0f"
FRAME = 2_000


@pytest.mark.parametrize("drain_seconds", [0.0, 60.0])
def test_the_drain_is_bounded_and_what_is_left_comes_with_the_next_start(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drain_seconds: float
) -> None:
    """So many records wait that they take two looks: with time for one alone the others stay on the disk."""
    journal = RecordJournal(tmp_path / "journal", max_bytes=1 << 26)
    records = [Record("shop.log", NEVER_SEEN.format(0, 0, number % 50)) for number in range(BATCH_RECORDS + 10)]
    records += [Record("shop.log", NEVER_SEEN.format(30, 0, 99))]
    for start in range(0, len(records), FRAME):
        journal.append(frame_of(records[start : start + FRAME])).result()
    monkeypatch.setattr(loop, "DRAIN_SECONDS", drain_seconds)
    stopped = threading.Event()
    stopped.set()
    sessions = []
    for _ in range(2):
        database, metrics = Database(tmp_path / "isang.db"), Metrics()
        judging = Judging(
            ServiceSettings(home=tmp_path, idle_seconds=60.0), shop / "out" / "run", journal, database, metrics,
            lambda change: None, lambda change: None, None,
            Feedback(database, metrics, lambda change: None, lambda *_: None),
        )  # fmt: skip
        began = time.monotonic()
        judging.run(stopped, threading.Event())
        assert time.monotonic() - began < 60
        sessions.append(judging.sessions)
        left = len(judging.following.follower.stream.open.records.owners())
        database.close()
    journal.close()
    assert sessions == ([0, 50] if drain_seconds == 0 else [50, 50])
    assert left == 1
