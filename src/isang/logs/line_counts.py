"""Lines over time: counts of each event per ten seconds, whether or not the lines belong to a session."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.parsing.timeline import NO_TIME
from isang.logs.sessions.external_sort import Passed
from isang.parquet_files import read_table

FILE = "line_counts.parquet"
WINDOW_SECONDS = (10, 30, 60, 300, 900, 3_600, 21_600, 86_400)
"""Each divides the next."""
MOST_ROWS = 2_000_000
"""Maximum number of rows; with more, windows become longer."""
LINE_COUNTS_SCHEMA = pl.Schema(
    {
        "start": pl.Int64(), "seconds": pl.Int64(), "source_index": pl.Int32(), "event": pl.Int32(),
        "lines": pl.Int64(), "line": pl.UInt32(),
    }
)  # fmt: skip
"""`start` of a window, in seconds since 1970 UTC (null for lines without a time), its length, the log, the event, how
many lines, and the number of the first of them, from 1."""
_COUNTED = pl.Schema(
    {
        "start": pl.Int64(), "source_index": pl.Int32(), "message": pl.Int32(), "lines": pl.Int64(),
        "line": pl.UInt32(),
    }
)  # fmt: skip
_MICROSECONDS = 1_000_000


def counted(records: pl.DataFrame, source: int) -> pl.DataFrame:
    """The records of a part of a log by windows: `line`, `time` (i64, microseconds or NO_TIME) and `message` of each.

    `message` is the number of the message. Windows have the shortest length.
    """
    return (
        records.select(_start(pl.col("time")).alias("start"), "line", pl.col("message").cast(pl.Int32))
        .group_by("start", "message")
        .agg(pl.len().cast(pl.Int64).alias("lines"), pl.col("line").min().cast(pl.UInt32))
        .with_columns(source_index=pl.lit(source, dtype=pl.Int32))
        .select(_COUNTED.names())
    )


def with_numbers(part: pl.DataFrame, numbers: NDArray[np.int32], earlier: int, time: int) -> pl.DataFrame:
    """The result of `counted` for a part with other message numbers; rows at `earlier` get the `time`."""
    starts = pl.select(_start(pl.lit(pl.Series([earlier, time])))).to_series()
    start = pl.when(pl.col("start") == starts[0]).then(pl.lit(starts[1], dtype=pl.Int64)).otherwise("start")
    messages = pl.Series("message", numbers[part["message"].to_numpy()], dtype=pl.Int32)
    return part.with_columns(start.alias("start"), messages)


def _start(time: pl.Expr) -> pl.Expr:
    """The window of microseconds since 1970; null for NO_TIME."""
    return pl.when(time != NO_TIME).then(time // (_MICROSECONDS * WINDOW_SECONDS[0]) * WINDOW_SECONDS[0])


class LinesOverTime(AbstractContextManager["LinesOverTime"]):
    """Counts the lines of logs, part by part, until the event of each message is known."""

    def __init__(self, directory: Path | None) -> None:
        self._passed = Passed(_COUNTED, directory)

    def __enter__(self) -> Self:
        self._passed.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._passed.__exit__(kind, error, trace)

    def add(self, part: pl.DataFrame) -> None:
        """Add the result of `counted` for a part of a log."""
        for _ in self._passed.passing([part]):
            pass

    def table(self, event_of: NDArray[np.int32]) -> pl.DataFrame:
        """LINE_COUNTS_SCHEMA, ordered by time, log and event; `event_of` is the event of each message."""
        found = pl.DataFrame(schema=LINE_COUNTS_SCHEMA)
        for parts in _some_at_a_time(self._passed.again()):
            events = pl.Series("event", event_of[parts["message"].to_numpy()], dtype=pl.Int32)
            seconds = pl.lit(WINDOW_SECONDS[0], dtype=pl.Int64).alias("seconds")
            part = parts.drop("message").with_columns(events, seconds).select(LINE_COUNTS_SCHEMA.names())
            found = _of_few_rows(pl.concat([found, part]))
        return found.sort("start", "source_index", "event", nulls_last=True)


def read_line_counts(folder: Path) -> pl.DataFrame | None:
    """The lines over time of a dataset folder; None where it does not say."""
    file = folder / FILE
    if not file.is_file():
        return None
    counts: pl.DataFrame = read_table(file, dict(LINE_COUNTS_SCHEMA), "prepare the logs again")
    return counts


def _some_at_a_time(tables: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    held, rows = [], 0
    for table in tables:
        held.append(table)
        rows += table.height
        if rows >= MOST_ROWS:
            yield pl.concat(held)
            held, rows = [], 0
    if held:
        yield pl.concat(held)


def _of_few_rows(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of the same window, log and event as one, in the shortest windows that make MOST_ROWS or fewer."""
    longest = int(table["seconds"].max() or 0)  # type: ignore[arg-type]
    for seconds in WINDOW_SECONDS:
        if seconds < longest:
            continue
        joined = (
            table.with_columns(pl.col("start") // seconds * seconds, seconds=pl.lit(seconds, dtype=pl.Int64))
            .group_by("start", "seconds", "source_index", "event")
            .agg(pl.col("lines").sum(), pl.col("line").min())
            .select(LINE_COUNTS_SCHEMA.names())
        )
        if joined.height <= MOST_ROWS:
            break
    return joined
