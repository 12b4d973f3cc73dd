"""Lines over time: each line once, with or without a session."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isang.config import LogsConfig
from isang.logs import line_counts
from isang.logs.line_counts import LinesOverTime, counted, read_line_counts
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.prepare import prepare_folder
from isang.logs.store import open_dataset


def test_lines_without_a_session_key_are_counted(tmp_path: Path) -> None:
    lines = []
    for minute in range(30):
        for request in range(4):
            key = f"{minute * 7919 + request:08x}"
            lines += [f"2026-03-02 08:{minute:02d}:{request:02d}.{n}00 INFO req={key} {text}"
                      for n, text in enumerate(("opened", "checked", "closed"))]  # fmt: skip
        lines.append(f"2026-03-02 08:{minute:02d}:31.000 INFO heartbeat of the scheduler")
    log = tmp_path / "app.log"
    log.write_text("\n".join(lines) + "\n")
    meta = prepare_folder([str(log)], tmp_path / "data", LogsConfig(session_by=r"req=(\w+)"))
    assert meta["without_key"] == 30
    counts = read_line_counts(tmp_path / "data")
    assert counts is not None
    assert int(counts["lines"].sum()) == len(lines)
    templates = open_dataset(tmp_path / "data").templates
    (beat,) = templates.filter(pl.col("template").str.contains("heartbeat"))["event"].to_list()
    own = counts.filter(pl.col("event") == beat)
    assert own["lines"].to_list() == [1] * 30
    assert own["start"].diff().drop_nulls().unique().to_list() == [60]
    assert own["line"].to_list() == list(range(13, len(lines) + 1, 13))


@pytest.mark.parametrize(("most", "seconds"), [(1_000, 10), (8, 60), (1, 900)])
def test_windows_become_longer_where_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch, most: int, seconds: int
) -> None:
    """The result is the same however the logs are divided."""
    monkeypatch.setattr(line_counts, "MOST_ROWS", most)
    times = [n * 9_000_000 for n in range(40)]
    records = pl.DataFrame({"line": range(1, 41), "time": times, "message": [n % 2 for n in range(40)]})
    tables = []
    for size in (40, 7):
        with LinesOverTime(None) as over_time:
            for part in records.iter_slices(size):
                over_time.add(counted(part, 0))
            tables.append(over_time.table(np.array([5, 5], dtype=np.int32)))
    assert tables[0].equals(tables[1])
    assert tables[0]["seconds"].unique().to_list() == [seconds]
    assert int(tables[0]["lines"].sum()) == 40
    assert tables[0]["line"].min() == 1


def test_lines_without_a_time_have_no_window() -> None:
    records = pl.DataFrame({"line": [1, 2], "time": [NO_TIME, 25_000_000], "message": [0, 0]})
    with LinesOverTime(None) as over_time:
        over_time.add(counted(records, 3))
        table = over_time.table(np.array([1], dtype=np.int32))
    assert table["start"].to_list() == [20, None]
