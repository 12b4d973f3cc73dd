"""A database that cannot be written keeps no anomaly off: it comes again when there is room."""

import threading
from pathlib import Path
from typing import Any

from isang.logs.stream.record import Record, frame_of
from isang.service.feedback import Feedback
from isang.service.judging.loop import Judging
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.storage.journal import RecordJournal

NEVER_SEEN = "2026-06-01 09:00:00,{:03d} ERROR [web] shop.Service: the reactor leaks request=rs00009{:02d}\n"


def test_anomalies_of_a_full_disk_come_again(shop: Path, tmp_path: Path) -> None:
    database, metrics = Database(tmp_path / "isang.db"), Metrics()
    journal = RecordJournal(tmp_path / "journal", max_bytes=1 << 26)
    told: list[Any] = []
    feedback = Feedback(database, metrics, lambda change: None, lambda *_: None)
    judging = Judging(
        ServiceSettings(home=tmp_path), shop / "out" / "run", journal, database, metrics, lambda change: None,
        told.append, None, feedback,
    )  # fmt: skip
    database._connection.execute("PRAGMA max_page_count = 1")  # SQLite: no less than it has now
    for number in range(40):
        text = NEVER_SEEN.format(number, number) + "  at a line that goes on " + "x" * 2_000
        journal.append(frame_of([Record("shop.log", text)])).result()
    judging._guarded(judging.look)
    assert judging.error is not None
    assert "full" in judging.error
    assert (database.incidents(), told) == ([], [])
    judging._guarded(judging.look)
    database._connection.execute("PRAGMA max_page_count = 1000000")
    judging._guarded(judging.look)
    assert judging.error is None
    (incident,) = database.incidents()
    assert incident["sessions"] == 40
    assert [change.event for change in told] == ["firing"]
    stop = threading.Event()
    stop.set()
    judging.run(stop, threading.Event())
    journal.close()
    database.close()
