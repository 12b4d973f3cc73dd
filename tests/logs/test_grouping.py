"""Grouping by hand-made answers, the same whatever the batches."""

from typing import Any, NamedTuple

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.logs.parsing.timeline import NO_TIME
from isang.logs.sessions.grouping import Grouper, order_of
from isang.logs.sessions.rule import SessionRule

SCHEMA = {
    "key": pl.String, "source": pl.Int32, "line": pl.UInt32, "time": pl.Int64, "event": pl.Int32, "alert": pl.Boolean,
}  # fmt: skip
Row = tuple[int | None, int, int, float | None, int, bool | None]


class Grouped(NamedTuple):
    sessions: pl.DataFrame
    cut: int


def grouped(
    rows: list[Row], *, max_events: int = 100, streams: tuple[int, int] = (0, 1), batch: int = 10**6, **rule: Any
) -> Grouped:
    """`rows`: key, source, line, time in seconds, event, alert; they come to the grouper `batch` at a time."""
    made = SessionRule(reason="test", **rule)
    times = [(f"k{k}", s, n, NO_TIME if t is None else int(t * 1_000_000), e, a) for k, s, n, t, e, a in rows]
    records = pl.DataFrame(times, schema=SCHEMA, orient="row").with_columns(number=pl.col("key").hash())
    stream = pl.lit(0) if made.joins_sources else pl.col("source").replace_strict({0: streams[0], 1: streams[1]})
    records = records.with_columns(stream=stream.cast(pl.Int32)).sort(order_of(made))
    grouper = Grouper(made, ["a.log", "b.log"], max_events=max_events)
    parts = [grouper.add(part) for part in records.iter_slices(batch)]
    return Grouped(pl.concat([*parts, grouper.finish()]).sort("start", "session_id"), grouper.cut)


ROWS: list[Row] = [
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
    assert found.sessions.select("source_index", "line").rows() == [([0, 1, 0], [1, 1, 3]), ([0, 1], [2, 2])]


def test_equal_times_keep_the_order_of_reading() -> None:
    rows: list[Row] = [(0, 0, line, 1.0, line, None) for line in range(1, 9)]
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
    rows: list[Row] = [(None, 0, n, float(n), n, n == 3) for n in range(1, 6)]
    by_lines = grouped(rows, kind="lines", size=2)
    assert by_lines.sessions.select("session_id", "events", "label").rows() == [
        ("a.log:1", [1, 2], False), ("a.log:3", [3, 4], True), ("a.log:5", [5], False),
    ]  # fmt: skip
    by_seconds = grouped(rows, kind="seconds", size=3.0)
    assert by_seconds.sessions["events"].to_list() == [[1, 2], [3, 4, 5]]


def test_windows_run_on_over_the_files_of_a_rotated_set() -> None:
    rows: list[Row] = [
        (None, 0, 1, 1.0, 1, None),
        (None, 0, 2, 2.0, 2, None),
        (None, 0, 3, 3.0, 3, None),
        (None, 1, 1, 4.0, 4, None),
    ]
    together = grouped(rows, kind="lines", size=2, streams=(0, 0))
    assert together.sessions.select("session_id", "source", "events").rows() == [
        ("a.log:1", "a.log", [1, 2]), ("a.log:3", "a.log", [3, 4]),
    ]  # fmt: skip
    assert together.sessions.select("source_index", "line").row(1) == ([0, 1], [3, 1])
    apart = grouped(rows, kind="lines", size=2)
    assert apart.sessions["events"].to_list() == [[1, 2], [3], [4]]


def test_sessions_join_several_logs_or_stay_within_one() -> None:
    apart = grouped(ROWS, kind="key", across_sources=False)
    assert apart.sessions.select("session_id", "source", "events").rows() == [
        ("k0@a.log", "a.log", [5, 7]), ("k0@b.log", "b.log", [8]),
        ("k1@a.log", "a.log", [6]), ("k1@b.log", "b.log", [9]),
    ]  # fmt: skip
    joined = grouped(ROWS, kind="lines", size=3, across_sources=True)
    assert joined.sessions.select("session_id", "events").rows() == [("a.log:1", [5, 6, 8]), ("a.log:3", [7, 9])]


def test_sessions_without_a_clock_have_no_gaps() -> None:
    found = grouped([(0, 0, 1, None, 1, None), (0, 0, 2, None, 2, None)], kind="key")
    assert found.sessions.select("start", "end", "events", "gaps_ms").rows() == [(NO_TIME, NO_TIME, [1, 2], None)]
    mixed = grouped([(0, 0, 1, None, 1, None), (0, 1, 1, 2.0, 2, None), (0, 1, 2, 3.0, 3, None)], kind="key")
    assert mixed.sessions.select("start", "end", "events", "gaps_ms").rows() == [
        (2_000_000, 3_000_000, [2, 3, 1], [0, 1000, 0])
    ]


@settings(deadline=None)
@given(length=st.integers(1, 60), max_events=st.integers(2, 20), batch=st.integers(1, 70))
def test_long_sessions_are_cut_into_overlapping_pieces_without_loss(length: int, max_events: int, batch: int) -> None:
    rows: list[Row] = [(0, 0, n + 1, float(n), n, None) for n in range(length)]
    found = grouped(rows, kind="key", max_events=max_events, batch=batch)
    pieces = found.sessions.sort("start")["events"].to_list()
    assert all(0 < len(piece) <= max_events for piece in pieces)
    overlap = max_events // 8
    assert [*pieces[0], *(event for piece in pieces[1:] for event in piece[overlap:])] == list(range(length))
    assert found.cut == (len(pieces) > 1)
    names = ["k0", *(f"k0#{n}" for n in range(2, len(pieces) + 1))]
    assert found.sessions.sort("start")["session_id"].to_list() == names


RULES: list[dict[str, Any]] = [
    {"kind": "key"},
    {"kind": "key", "across_sources": False},
    {"kind": "key", "gap_seconds": 5.0},
    {"kind": "lines", "size": 7},
    {"kind": "lines", "size": 3, "gap_seconds": 2.0},
    {"kind": "lines", "size": 7, "across_sources": True},
    {"kind": "seconds", "size": 9.0},
    {"kind": "gap", "gap_seconds": 3.0},
]
RECORDS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 1), st.one_of(st.none(), st.integers(0, 50)), st.booleans()),
    min_size=1, max_size=60,
)  # fmt: skip


@settings(deadline=None)
@given(RECORDS, st.sampled_from(RULES))
def test_every_record_is_in_exactly_one_session(found: list[tuple[int, int, int | None, bool]], rule: Any) -> None:
    rows: list[Row] = [(key, source, n, time, n, alert) for n, (key, source, time, alert) in enumerate(found)]
    sessions = grouped(rows, **rule).sessions
    assert sorted(sessions["events"].explode().to_list()) == list(range(len(rows)))
    assert sessions["line"].explode().to_list() == sessions["events"].explode().to_list()
    assert sessions["session_id"].is_unique().all()


@settings(deadline=None)
@given(RECORDS, st.sampled_from(RULES), st.integers(1, 20), st.integers(2, 9))
def test_the_batches_do_not_matter(
    found: list[tuple[int, int, int | None, bool]], rule: Any, batch: int, max_events: int
) -> None:
    rows: list[Row] = [(key, source, n, time, n, alert) for n, (key, source, time, alert) in enumerate(found)]
    whole = grouped(rows, max_events=max_events, **rule)
    split = grouped(rows, max_events=max_events, batch=batch, **rule)
    assert split.sessions.equals(whole.sessions)
    assert split.cut == whole.cut
