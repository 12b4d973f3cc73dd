"""What the service sheds when memory runs short, and that it takes up again what it left."""

from pathlib import Path

import pytest

from isang.logs.rules import Rules
from isang.logs.stream.open_sessions import OpenSessions
from isang.logs.stream.record import Record, frame_of
from isang.memory import resident_bytes
from isang.service.judging.shedding import LEAST_RECORDS, Shedding
from isang.service.metrics import Metrics
from isang.service.storage.journal import JournalFull, JournalSource, RecordJournal
from tests.logs.test_follow import RULES, batch


def test_sessions_end_before_nothing_more_is_taken_in(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("2026-01-01T00:00:00Z INFO a [req-1] one\n2026-01-01T00:00:01Z INFO a [req-2] two\n" * 20)
    rules: Rules = batch(log, RULES["key"])[1]
    sessions, journal, metrics = (
        OpenSessions(rules, 60.0),
        RecordJournal(tmp_path / "journal", max_bytes=1 << 20),
        Metrics(),
    )
    usual, records = sessions.most_records, frame_of([Record("x", "line")])
    used = resident_bytes()
    Shedding(10 * used, journal, metrics).look(sessions)
    assert (sessions.most_records, journal.paused) == (usual, False)
    short = Shedding(int(used / 0.95), journal, metrics)
    short.look(sessions)
    assert (sessions.most_records, journal.paused) == (LEAST_RECORDS, False)
    none = Shedding(used // 2, journal, metrics)
    none.look(sessions)
    assert journal.paused
    with pytest.raises(JournalFull):
        journal.append(records)
    short._most_bytes = 10 * used
    short.look(sessions)
    assert (sessions.most_records, journal.paused) == (usual, False)
    journal.append(records).result()
    assert JournalSource(journal).read()[0]["text"].to_list() == ["line"]
    journal.close()
