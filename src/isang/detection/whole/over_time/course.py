"""The daily and weekly course of a rate, where the log is long enough to show one.

Shapes: W windows; hours are those of the week, 0 to 167, from Monday 0:00 UTC.
"""

import numpy as np
from numpy.typing import NDArray

from isang.model.batches import Floats

HOURS = 168
LEAST_TIMES = 3
"""Minimum number of periods in a log: days to look for a daily pattern, weeks for a weekly one."""
PARTS = 10
BETTER = 0.9
"""A pattern is used if its squared error on held-out windows is below this share of that of the mean."""
_PERIODS = (24, 168)


def hours_of(starts_W: Floats) -> NDArray[np.int64]:
    """The hour of the week of moments in seconds since 1970, a Thursday."""
    hours: NDArray[np.int64] = ((starts_W // 3600).astype(np.int64) + 72) % HOURS
    return hours


def period_of(hours_W: NDArray[np.int64], roots_W: Floats) -> int | None:
    """The period of a rate in hours, 24 or 168; None if no pattern predicts it better than its mean.

    `roots_W`: square roots of the counts, in order of time. A pattern is tested on each tenth of the windows, a stretch
    of time, after fitting it without that tenth.
    """
    seen = [period for period in _PERIODS if _is_seen(hours_W % period, period)]
    if not seen:
        return None
    parts = np.array_split(np.arange(len(roots_W)), PARTS)
    errors = {period: _error(parts, roots_W, hours_W, period) for period in (None, *seen)}
    best = min(errors, key=lambda period: errors[period])
    return best if errors[best] < BETTER * errors[None] else None


def covers_days(hours_W: NDArray[np.int64]) -> bool:
    """Whether a log shows how the hours of a day, and days, differ."""
    return _is_seen(hours_W % 24, 24)


def _is_seen(hour_W: NDArray[np.int64], period: int) -> bool:
    """Whether a log covers each hour of a period, and enough periods."""
    times = int(np.count_nonzero(np.diff(hour_W) < 0)) + 1
    return times >= LEAST_TIMES and len(np.unique(hour_W)) == period


def course(hours_W: NDArray[np.int64], roots_W: Floats, period: int | None) -> Floats:
    """Expected value in each hour of the week, shape HOURS: the mean of that hour and, with half weight, its
    neighbours."""
    if period is None:
        return np.full(HOURS, float(roots_W.mean()))
    hour_W = hours_W % period
    sums, numbers = (
        2 * each + np.roll(each, 1) + np.roll(each, -1)
        for each in (
            np.bincount(hour_W, roots_W, minlength=period),
            np.bincount(hour_W, np.ones(len(hour_W)), minlength=period),
        )
    )
    expected = np.where(numbers > 0, sums / np.maximum(numbers, 1), roots_W.mean())
    return np.tile(expected, HOURS // period)


def _error(parts: list[NDArray[np.int64]], roots_W: Floats, hours_W: NDArray[np.int64], period: int | None) -> float:
    error = 0.0
    for own in parts:
        others = np.delete(np.arange(len(roots_W)), own)
        if len(own) and len(others):
            told = course(hours_W[others], roots_W[others], period)[hours_W[own]]
            error += float(((roots_W[own] - told) ** 2).sum())
    return error
