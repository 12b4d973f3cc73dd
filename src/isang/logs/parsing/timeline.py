"""The times of one source, made to run on: what a record's time lacks is taken from its neighbours."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from isang.logs.parsing.timestamps import Clock, falls, moved_back
from isang.logs.sessions.external_sort import BlockFile

NO_TIME = 2**63 - 1
"""Stands for the time of records of a source without any, so that they come last in any order."""
_TOLERANCE = timedelta(hours=1)
"""By so much the clock that wrote the lines may be ahead of the one of the file system."""


class Timeline:
    """Records of one source go in in the order of reading and come out in it with times.

    `time` (i64, microseconds since 1970 or null) is null where it was not understood: it becomes that of the record
    before; before the first, that of the first. Where the times lack the year or the date, the last one becomes the
    latest that is not after `written`, when the file was last written, and those before run on to it, so that all are
    settled only at the end: until then the records wait on the disk.
    """

    def __init__(self, clock: Clock | None, written: datetime, directory: Path | None) -> None:
        self._clock = clock
        self._written_us = int((written + _TOLERANCE).timestamp() * 1e6)
        self._lacks = clock is not None and clock.lacks is not None
        self._waiting = BlockFile(directory)
        self._sizes: list[int] = []
        self._first: int | None = None
        self._last: int | None = None  # of what was added
        self._falls = 0  # in what was added
        self._before: int | None = None  # the last time, as written, of what was settled
        self._passed = 0  # falls in what was settled

    def add(self, records: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Take records in and yield those whose times are settled."""
        times = records["time"]
        if self._lacks and self._clock is not None and times.len():
            self._falls += int(falls(times, self._clock, self._last)[-1])
        known = times.drop_nulls()
        if known.len():
            self._first = known[0] if self._first is None else self._first
            self._last = known[-1]
        if self._lacks or (self._clock is not None and self._first is None):
            self._sizes.append(self._waiting.append(records))
        else:
            yield from self._settled()
            yield self._with_times(records)

    @property
    def has_time(self) -> bool:
        """Whether any record's time was understood."""
        return self._first is not None

    def finish(self) -> Iterator[pl.DataFrame]:
        """The rest."""
        if self._last is not None and self._last > self._written_us:
            self._falls += 1
        yield from self._settled()
        self._waiting.close()

    def _settled(self) -> Iterator[pl.DataFrame]:
        start = 0
        for size in self._sizes:
            yield self._with_times(self._waiting.read(start, [size]))
            start += size
        self._sizes = []

    def _with_times(self, records: pl.DataFrame) -> pl.DataFrame:
        if self._first is None or self._clock is None:
            return records.with_columns(time=pl.lit(NO_TIME, dtype=pl.Int64))
        before = self._first if self._before is None else self._before
        times = pl.concat([pl.Series("time", [before], dtype=pl.Int64), records["time"]]).fill_null(strategy="forward")
        self._before = times[-1]
        if self._lacks:
            passed = self._passed + falls(times, self._clock, None)
            self._passed = int(passed[-1])
            times = moved_back(times, self._clock, self._falls - passed)
        return records.with_columns(times.slice(1))
