"""What was accepted is read once, in order, whatever was cut, and no more is taken than there is room for."""

import os
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isang.errors import InputError
from isang.logs.stream.record import Record, frame_of
from isang.service.storage.journal import JournalFull, JournalSource, RecordJournal, TooLarge


def batch(first: int, size: int) -> pl.DataFrame:
    return frame_of([Record("ab"[number % 2], f"line {number}") for number in range(first, first + size)])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["append", "read", "save", "restart", "cut restart"]), max_size=30))
def test_records_come_once_and_in_order(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """A restart goes on behind what was acknowledged; half a frame at the end, which nobody was told of, is cut off."""
    folder = tmp_path_factory.mktemp("journal")
    journal = RecordJournal(folder, max_bytes=1 << 30, segment_bytes=4_000)
    source = JournalSource(journal)
    cursor, seen, written = None, [], 0
    kept = 0  # how many of `seen` are acknowledged
    for step in [*steps, "restart", "read"]:
        if step == "append":
            journal.append(batch(written, 3)).result()
            written += 3
        elif step == "read":
            records, latest = source.read()
            seen += records.select("stream", "line", "text").rows()
        elif step == "save":
            records, latest = source.read()
            seen += records.select("stream", "line", "text").rows()
            cursor, kept = latest, len(seen)
            source.acknowledge(cursor)
        else:
            journal.close()
            if step == "cut restart":
                with journal.path(journal.segments()[-1]).open("ab") as file:
                    file.write(os.urandom(7))
            journal = RecordJournal(folder, max_bytes=1 << 30, segment_bytes=4_000)
            source = JournalSource(journal)
            seen = seen[:kept]
            if cursor is not None:
                source.resume(cursor)
    journal.close()
    assert seen == [("ab"[number % 2], number // 2 + 1, f"line {number}") for number in range(written)]
    assert not source.behind


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_damaged_is_lost_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever bytes are changed or cut, reading goes on; frames of segments that were not touched all come."""
    folder = tmp_path_factory.mktemp("journal")
    journal = RecordJournal(folder, max_bytes=1 << 30, segment_bytes=4_000)
    for first in range(0, 60, 3):
        journal.append(batch(first, 3)).result()
    journal.close()
    number = data.draw(st.sampled_from(journal.segments()))
    content = bytearray(journal.path(number).read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        del content[at:]
    before = {name: _texts(journal.path(name)) for name in journal.segments()}
    journal.path(number).write_bytes(content)
    again = RecordJournal(folder, max_bytes=1 << 30, segment_bytes=4_000)
    source, seen = JournalSource(again), []
    while source.behind:
        seen += source.read()[0]["text"].to_list()
    again.close()
    expected = [text for name in sorted(before) for text in before[name]]
    assert seen == [text for text in expected if text in set(seen)]
    assert {text for name in before if name != number for text in before[name]} <= set(seen)


def _texts(segment: Path) -> list[str]:
    """The records of a segment that is whole."""
    found, content = [], segment.read_bytes()
    while content:
        size = int.from_bytes(content[:4], "little")
        found += pl.read_ipc_stream(content[8 : 8 + size])["text"].to_list()
        content = content[8 + size :]
    return found


def test_one_changed_frame_costs_itself_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = RecordJournal(tmp_path, max_bytes=1 << 30)
    ends = [0]
    for first in range(0, 15, 3):
        journal.append(batch(first, 3)).result()
        ends.append(journal.committed[1])
    journal.close()
    content = bytearray(journal.path(1).read_bytes())
    content[ends[2] - 1] ^= 1
    journal.path(1).write_bytes(content)
    again = RecordJournal(tmp_path, max_bytes=1 << 30)
    records, _ = JournalSource(again).read()
    again.close()
    assert records["text"].to_list() == [f"line {n}" for n in range(15) if n not in (3, 4, 5)]
    assert f"segment 1 is damaged from byte {ends[1]:,} to {ends[2]:,}" in capsys.readouterr().err


def test_two_services_do_not_share_a_journal(tmp_path: Path) -> None:
    first = RecordJournal(tmp_path / "journal", max_bytes=1 << 30)
    with pytest.raises(InputError, match=r"another isang serve uses .*; end it, or name another --home"):
        RecordJournal(tmp_path / "journal", max_bytes=1 << 30)
    first.close()
    RecordJournal(tmp_path / "journal", max_bytes=1 << 30).close()


def test_a_pipe_or_an_alien_file_in_the_folder_is_told_or_left(tmp_path: Path) -> None:
    (tmp_path / "notes.records").write_text("mine")
    RecordJournal(tmp_path, max_bytes=1 << 30).close()
    assert (tmp_path / "notes.records").read_text() == "mine"
    os.mkfifo(tmp_path / "00000007.records")
    with pytest.raises(InputError, match="no regular file; remove it"):
        RecordJournal(tmp_path, max_bytes=1 << 30)
    (tmp_path / "00000007.records").unlink()
    RecordJournal(tmp_path, max_bytes=1 << 30).close()


def test_what_has_been_judged_makes_room(tmp_path: Path) -> None:
    journal = RecordJournal(tmp_path, max_bytes=20_000, segment_bytes=4_000)
    source, taken = JournalSource(journal), 0
    with pytest.raises(JournalFull):
        while True:
            journal.append(batch(taken, 3)).result()
            taken += 3
    assert journal.size <= 20_000
    records, cursor = source.read()
    assert records.height == taken
    source.acknowledge(cursor)
    journal.append(batch(taken, 3)).result()
    journal.close()


def test_room_comes_back_though_the_segment_goes_on(tmp_path: Path) -> None:
    journal = RecordJournal(tmp_path, max_bytes=6_000)
    source = JournalSource(journal)
    for number in range(20):
        journal.append(batch(number, 1)).result()
        records, cursor = source.read()
        assert records.height == 1
        source.acknowledge(cursor)
    journal.close()
    again = RecordJournal(tmp_path, max_bytes=6_000)
    other = JournalSource(again)
    other.resume(cursor)
    again.append(batch(20, 1)).result()
    assert other.read()[0]["text"].to_list() == ["line 20"]
    again.close()


def test_what_never_finds_room_is_not_asked_to_come_again(tmp_path: Path) -> None:
    journal = RecordJournal(tmp_path, max_bytes=6_000)
    with pytest.raises(TooLarge):
        journal.append(frame_of([Record("a", os.urandom(3_000).hex())]))
    journal.append(batch(0, 1)).result()
    journal.close()


def test_many_wait_for_one_write(tmp_path: Path) -> None:
    journal = RecordJournal(tmp_path, max_bytes=1 << 30)
    waiting = [journal.append(batch(number, 1)) for number in range(500)]
    for done in waiting:
        done.result()
    journal.close()
    assert journal.commits < 250
    records, _ = JournalSource(RecordJournal(tmp_path, max_bytes=1 << 30)).read()
    assert records["text"].to_list() == [f"line {number}" for number in range(500)]
