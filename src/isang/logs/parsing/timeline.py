"""The times of one source, made to run on: what a record's time lacks is taken from its neighbours."""

from collections.abc import Iterator
from datetime import datetime, tzinfo
from pathlib import Path

import polars as pl

from isang.logs.parsing.timestamps import UTC_TIME, Clock, falls, leap_days, moved_back, periods_back
from isang.logs.sessions.external_sort import BlockFile

NO_TIME = 2**63 - 1
"""Placeholder for the time of records of a source without times, so that they sort last."""
_AN_HOUR, _FALLEN = 3_600_000_000, -300_000_000
"""Microseconds; smaller decreases in time are lines out of order."""


class DoubledHour:
    """Local times of the hour that comes twice when clocks go back: from where they fall they are of the second."""

    def __init__(self, zone: tzinfo | None) -> None:
        self._zone = getattr(zone, "key", "UTC")
        self._last: int | None = None
        self._second = False

    def settled(self, times: pl.Series) -> pl.Series:
        """`times` (i64, microseconds since 1970, the first hour where two are meant), in the order of their lines."""
        if self._zone == "UTC" or not times.len():
            return times
        known = pl.concat([pl.Series("time", [self._last], dtype=pl.Int64), times]).fill_null(strategy="forward")
        walls = [
            (known + later).cast(UTC_TIME).dt.convert_time_zone(self._zone).dt.replace_time_zone(None)
            for later in (0, _AN_HOUR)
        ]
        twice = (walls[0] == walls[1]).fill_null(False)
        if not twice.any():
            self._last, self._second = known[-1], False
            return times
        fell = ((known.diff() < _FALLEN) & twice & twice.shift(1, fill_value=False)).fill_null(False)
        fell = fell.cast(pl.Int64).scatter(0, int(self._second))
        hours = pl.DataFrame({"run": (~twice).cast(pl.Int64).cum_sum(), "fell": fell})
        second = twice & (hours.select(pl.col("fell").cum_sum().over("run")).to_series() > 0)
        self._last, self._second = known[-1], bool(second[-1])
        return times + second.slice(1).cast(pl.Int64) * _AN_HOUR


class RecordTimeline:
    """Records of one source go in in the order of reading and come out in it with times.

    `time` (i64, microseconds since 1970 or null) is null where it was not understood: it becomes that of the record
    before; before the first, that of the first. Where the times lack the year, the date or a start, the last one
    becomes the latest that is not after `written`, when the file was last written, and those before run on to it, so
    that all are settled only at the end: until then the records wait on the disk.
    """

    def __init__(
        self, clock: Clock | None, written: datetime, directory: Path | None, *, before: int | None = None
    ) -> None:
        """`before`: the time of the record before the first, where these are not the first records of the source."""
        self._clock = clock
        self._written = written
        self._doubled = DoubledHour(None if clock is not None and clock.lacks == "start" else written.tzinfo)
        self._leap_days: set[int] = set()  # falls before them, in what was added
        self._lacks = clock is not None and clock.lacks is not None
        self._waiting = BlockFile(directory)
        self._sizes: list[int] = []
        self._first = before
        self._last = before  # of what was added
        self._falls = 0  # in what was added
        self._before = before  # the last time, as written, of what was settled
        self._passed = 0  # falls in what was settled

    def add(self, records: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Take records in and yield those whose times are settled."""
        records = records.with_columns(self._doubled.settled(records["time"]))
        times = records["time"]
        if self._lacks and self._clock is not None and times.len():
            passed = self._falls + falls(times, self._clock, self._last)
            self._falls = int(passed[-1])
            if self._clock.lacks == "year":
                self._leap_days.update(passed.filter(leap_days(times)).to_list())
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
        if self._last is not None and self._clock is not None and self._lacks:
            before = {self._falls - falls for falls in self._leap_days}
            self._falls += periods_back(self._last, self._clock, self._written, before)
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
