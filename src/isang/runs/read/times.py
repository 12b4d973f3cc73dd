"""When the R rows of a file were written."""

import numpy as np

from isang.runs.read import series_names
from isang.runs.read.choice import most_usual
from isang.runs.read.columns import Column
from isang.runs.read.rows import LoggedRows
from isang.runs.read.table import Floats, Integers


def times(records: LoggedRows, by_role: dict[str, list[str]]) -> Column:
    """Seconds since 1970 where the log has dates or time stamps, else since its first row; NaN where unknown."""
    time = dates(records)
    if not time.known().any():
        time = records.column(most_usual(records, by_role.get(series_names.CLOCK, [])))
    if "@bar_seconds" in records.columns:
        return Column(_with_bar_times(records.values("@bar_seconds"), time.values()))
    if not time.known().any():
        return Column(_unbroken(records.column(most_usual(records, by_role.get(series_names.ELAPSED, []))).values()))
    return time


def dates(records: LoggedRows) -> Column:
    """Seconds since 1970 of the dates in the lines, read as UTC; NaN for lines without one."""
    return records.column("@date")


def _with_bar_times(bar: Floats, time: Floats) -> Floats:
    """`time`, its gaps filled from a progress bar, which counts from its own start: the last dated line before it
    gives that moment."""
    starts, longest = _bars(bar)
    if not len(starts):
        return time
    dated = np.flatnonzero(~np.isnan(time))
    if len(dated):
        last = np.searchsorted(dated, starts, side="right") - 1
        base = np.where(last >= 0, time[dated[last]], np.nan)
    else:
        base = np.concatenate([[0.0], np.cumsum(longest)[:-1]])
    for moment, first, end in zip(base, starts, [*starts[1:], len(bar)], strict=True):
        bar[first:end] += moment
    gaps = np.isnan(time)
    time[gaps] = bar[gaps]
    return time


def _bars(bar: Floats) -> tuple[Integers, Floats]:
    """First row of each progress bar, and the maximum number of seconds that it shows."""
    rows = np.flatnonzero(~np.isnan(bar))
    if not len(rows):
        return rows, bar[rows]
    seconds = bar[rows]
    starts = np.concatenate([[0], np.flatnonzero(seconds[1:] < seconds[:-1]) + 1])
    return rows[starts], np.maximum.reduceat(seconds, starts)


def _unbroken(elapsed: Floats) -> Floats:
    """Make a stopwatch that was reset continue from its last value."""
    rows = np.flatnonzero(~np.isnan(elapsed))
    if len(rows):
        steps = np.diff(elapsed[rows], prepend=elapsed[rows[0]])
        elapsed[rows] = np.cumsum(np.maximum(steps, 0.0))
    return elapsed
