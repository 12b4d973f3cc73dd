"""Grouping by hand-made answers."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.errors import InputError
from isang.logs.sessions import Grouped, SessionRule, group

SCHEMA = {
    "key": pl.Int32, "source": pl.Int32, "line": pl.UInt32, "time": pl.Int64, "event": pl.Int32, "alert": pl.Boolean,
}  # fmt: skip


def grouped(
    rows: list[tuple[Any, ...]], *, max_events: int = 100, streams: tuple[int, int] = (0, 1), **rule: Any
) -> Grouped:
    """`rows`: key, source, line, time in seconds, event, alert."""
    times = [(k, s, n, None if t is None else int(t * 1_000_000), e, a) for k, s, n, t, e, a in rows]
    records = pl.DataFrame(times, schema=SCHEMA, orient="row").to_dict()
    keys = [f"k{n}" for n in range(100)]
    return group(
        records, SessionRule(reason="test", **rule), keys=keys, names=["a.log", "b.log"], streams=streams,
        max_events=max_events,
    )  # fmt: skip


ROWS = [
    (0, 0, 1, 10.0, 5, None),
    (1, 0, 2, 11.0, 6, None),
    (0, 0, 3, 12.5, 7, None),
    (0, 1, 1, 11.0, 8, None),
    (1, 1, 2, 99.0, 9, None),
]


def test_a_key_joins_sources_in_the_order_of_time() -> None:
    found = grouped(ROWS, kind="key")
    assert found.sessions.select("session_id", "source", "events", "gaps_ms", "label").rows() == [
        ("k0", "a.log", [5, 8, 7], [0, 1000, 1500], None),
        ("k1", "a.log", [6, 9], [0, 88000], None),
    ]
    assert found.lines.rows() == [("k0", [0, 1, 0], [1, 1, 3]), ("k1", [0, 1], [2, 2])]


def test_equal_times_keep_the_order_of_reading() -> None:
    rows = [(0, 0, line, 1.0, line, None) for line in range(1, 9)]
    assert grouped(rows, kind="key").sessions["events"].to_list() == [[1, 2, 3, 4, 5, 6, 7, 8]]


def test_silence_ends_a_session() -> None:
    found = grouped(ROWS, kind="key", gap_seconds=60.0)
    assert found.sessions.select("session_id", "events").rows() == [("k0", [5, 8, 7]), ("k1", [6]), ("k1#2", [9])]
    by_gap = grouped(ROWS, kind="gap", gap_seconds=60.0)
    assert by_gap.sessions.select("session_id", "events").rows() == [
        ("a.log:1", [5, 6, 7]),
        ("b.log:1", [8]),
        ("b.log:2", [9]),
    ]


def test_windows_of_lines_and_of_seconds() -> None:
    rows = [(None, 0, n, float(n), n, n == 3) for n in range(1, 6)]
    by_lines = grouped(rows, kind="lines", size=2)
    assert by_lines.sessions.select("session_id", "events", "label").rows() == [
        ("a.log:1", [1, 2], False), ("a.log:3", [3, 4], True), ("a.log:5", [5], False),
    ]  # fmt: skip
    by_seconds = grouped(rows, kind="seconds", size=3.0)
    assert by_seconds.sessions["events"].to_list() == [[1, 2], [3, 4, 5]]


def test_windows_run_on_over_the_files_of_a_rotated_set() -> None:
    rows = [
        (None, 0, 1, 1.0, 1, None),
        (None, 0, 2, 2.0, 2, None),
        (None, 0, 3, 3.0, 3, None),
        (None, 1, 1, 4.0, 4, None),
    ]
    together = grouped(rows, kind="lines", size=2, streams=(0, 0))
    assert together.sessions.select("session_id", "source", "events").rows() == [
        ("a.log:1", "a.log", [1, 2]), ("a.log:3", "a.log", [3, 4]),
    ]  # fmt: skip
    assert together.lines.row(1) == ("a.log:3", [0, 1], [3, 1])
    apart = grouped(rows, kind="lines", size=2)
    assert apart.sessions["events"].to_list() == [[1, 2], [3], [4]]


def test_windows_of_seconds_need_times() -> None:
    with pytest.raises(InputError, match="need times"):
        grouped([(None, 0, 1, None, 1, None)], kind="seconds", size=3.0)


def test_sessions_without_a_clock_have_no_gaps() -> None:
    found = grouped([(0, 0, 1, None, 1, None), (0, 0, 2, None, 2, None)], kind="key")
    assert found.sessions.select("start", "end", "events", "gaps_ms").rows() == [(None, None, [1, 2], None)]


@given(length=st.integers(1, 60), max_events=st.integers(2, 20))
def test_long_sessions_are_cut_into_overlapping_pieces_without_loss(length: int, max_events: int) -> None:
    rows = [(0, 0, n + 1, float(n), n, None) for n in range(length)]
    found = grouped(rows, kind="key", max_events=max_events)
    pieces = found.sessions.sort("start")["events"].to_list()
    assert all(0 < len(piece) <= max_events for piece in pieces)
    overlap = max_events // 8
    assert [*pieces[0], *(event for piece in pieces[1:] for event in piece[overlap:])] == list(range(length))
    assert found.cut == (len(pieces) > 1)
    names = ["k0", *(f"k0#{n}" for n in range(2, len(pieces) + 1))]
    assert found.sessions.sort("start")["session_id"].to_list() == names


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), st.integers(0, 50)), min_size=1, max_size=60))
def test_every_record_is_in_exactly_one_session(rows: list[tuple[int, int, int]]) -> None:
    records = [(key, source, n, float(time), n, None) for n, (key, source, time) in enumerate(rows)]
    for rule in ({"kind": "key"}, {"kind": "lines", "size": 7}, {"kind": "key", "gap_seconds": 5.0}):
        found = grouped(records, **rule)
        assert sorted(found.sessions["events"].explode().to_list()) == list(range(len(rows)))
        assert found.lines["line"].explode().to_list() == found.sessions["events"].explode().to_list()
        assert found.sessions["session_id"].is_unique().all()
