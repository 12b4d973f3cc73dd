"""Times that count from a start, times within brackets, and logs of which few lines have a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl

from isang.logs.input.chunks import Chunk
from isang.logs.parsing.records import SourceLayout, parse_chunk, recognise_source
from isang.logs.parsing.timeline import NO_TIME, RecordTimeline
from isang.logs.parsing.timestamps import described

WRITTEN = datetime(2026, 3, 4, 12, tzinfo=UTC)


def read(lines: Sequence[str], *, pieces: int = 1) -> tuple[SourceLayout, pl.DataFrame]:
    """The layout of a log that was last written at WRITTEN, and its records with settled times."""
    source = recognise_source(pl.Series(lines), given=None, zone="UTC", reference=WRITTEN)
    timeline = RecordTimeline(source.clock, WRITTEN, None)
    size = -(-len(lines) // pieces)
    settled = []
    for start in range(0, len(lines), size):
        found = parse_chunk(Chunk("\n".join(lines[start : start + size]), start + 1, None), source).frame
        settled += timeline.add(found.with_columns(pl.col("time").cast(pl.Int64)))
    records = pl.concat([*settled, *timeline.finish()])
    times = pl.col("time").replace(NO_TIME, None).cast(pl.Datetime("us", "UTC"))
    return source, records.with_columns(times)


def before_written(records: pl.DataFrame) -> list[timedelta]:
    return [WRITTEN - time for time in records["time"]]


def test_seconds_since_a_start_end_when_the_log_was_written() -> None:
    lines = [f"[{second:12.6f}] link {second:.0f} is up" for second in (0.0, 1.5, 2.25, 9.0, 100.0, 4000.5)]
    source, records = read(lines)
    assert source.layouts[0][0].name == "kernel"
    assert before_written(records) == [timedelta(seconds=4000.5 - second) for second in (0, 1.5, 2.25, 9, 100, 4000.5)]
    assert not source.doubts
    said = described(source.clock, zone="UTC", reference=WRITTEN)
    assert said.en == "times count seconds from a start; the last line was taken to be of 2026-03-04 12:00"


def test_after_a_restart_the_seconds_run_on() -> None:
    seconds = [*range(10, 60, 5), 1, 4, 9]
    lines = [f"[{second}.250s][info ][gc,heap] pause {second}" for second in seconds]
    for pieces in (1, 2, 5, len(lines)):
        _, records = read(lines, pieces=pieces)
        assert [after.total_seconds() for after in before_written(records)] == [
            8 + 55 - second for second in range(10, 60, 5)
        ] + [8, 5, 0]
        assert records["level"].to_list() == ["INFO"] * len(lines)


def test_numbers_that_do_not_rise_are_no_times() -> None:
    lines = [
        f"{number:.2f} per cent of the {word}"
        for number, word in zip((9.5, 1.25, 7.5, 3.75, 8.5, 2.0), "abcdef", strict=True)
    ]
    source, records = read(lines)
    assert source.clock is None
    assert records["message"].to_list() == lines


def test_the_level_and_the_rest_of_the_brackets_that_hold_the_time() -> None:
    lines = [
        f"[2026-03-04 10:00:0{second},527 I 16202 16203] (server) main.cc:{second}: table {second} loaded"
        for second in range(9)
    ]
    _, records = read(lines)
    assert records["level"].to_list() == ["INFO"] * 9
    assert records["message"][3] == "(server) main.cc:3: table 3 loaded"
    lines = [
        f"[47:51:0304/10000{second}.599946:{level}:net/base/pool.cc(210)] closing socket {second}"
        for second, level in enumerate(("INFO", "VERBOSE1", "ERROR", "WARNING", "INFO", "VERBOSE2"))
    ]
    _, records = read(lines)
    assert records["level"].to_list() == ["INFO", "VERBOSE", "ERROR", "WARNING", "INFO", "VERBOSE"]
    assert records["message"][2] == "closing socket 2"
    assert records["time"][2] == datetime(2026, 3, 4, 10, 0, 2, 599946, tzinfo=UTC)


def test_labels_of_tai() -> None:
    moments = [datetime(2026, 3, 4, 10, 0, second, 500_000, tzinfo=UTC) for second in range(8)]
    lines = [
        f"@{(1 << 62) + 10 + int(moment.timestamp()):016x}{moment.microsecond * 1000:08x} tick {number}"
        for number, moment in enumerate(moments)
    ]
    _, records = read(lines)
    assert records["time"].to_list() == moments
    assert records["message"][7] == "tick 7"


def test_few_lines_with_a_time_from_the_beginning_to_the_end() -> None:
    """A status of many lines again and again: each line is an event, and has the time of the last one before."""
    lines: list[str] = []
    for minute in range(20):
        lines.append(f"[2026-03-04 10:{minute:02}:00] state of the pool")
        lines += [
            f"{name}: {minute + place}" for place, name in enumerate(("idle", "busy", "asked", "given", "late", "lost"))
        ]
    source, records = read(lines)
    assert records.height == len(lines)
    assert records["message"][1] == "idle: 0"
    assert records["time"].to_list() == [datetime(2026, 3, 4, 10, row // 7, tzinfo=UTC) for row in range(len(lines))]
    assert [layout.name for layout, _ in source.layouts] == ["general-iso", "plain"]


def test_levels_in_two_letters() -> None:
    shapes = {
        "[    1{}.250] ({}) module": ("II", "WW", "EE"),
        "2026-03-04T10:00:0{}.250Z {}(05) vmx - module": ("In", "Wa", "Er"),
        "[00:00:0{}.250,120] <{}> net: module": ("inf", "wrn", "err"),
    }
    for shape, words in shapes.items():
        lines = [f"{shape.format(second, words[second % 3])} {second}" for second in range(9)]
        _, records = read(lines)
        levels = [{"ERR": "ERROR"}.get(level, level) for level in records["level"]]
        assert levels == ["INFO", "WARN", "ERROR"] * 3, shape
        assert records["time"].null_count() == 0
