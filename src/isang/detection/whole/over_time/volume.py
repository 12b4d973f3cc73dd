"""Rates of each kind of line compared with the training period: higher than ever, lower than ever, or none.

Shapes: W windows of equal length, R series (templates, levels, all lines), L lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.threshold.calibration import ScoreTail, fit_tail
from isang.detection.whole.over_time.course import course, covers_days, hours_of, period_of
from isang.detection.whole.over_time.lines import ALL, ERRORS, OF_LOG, WARNINGS, Lines
from isang.detection.whole.over_time.load import load
from isang.model.batches import Floats

WINDOW_SECONDS = (10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0)
LINES_PER_WINDOW = 100
"""A window is the shortest with a median of this many lines, over windows with any..."""
FEWEST_PER_WINDOW = 20
"""... or, if that gives too few windows, the longest that gives enough windows and has this many lines."""
LEAST_WINDOWS, MOST_WINDOWS = 40, 5_000
MOST_SERIES = 200
REGULAR = 5
"""A series is missed where it never had fewer lines in a window than one, and this many in the median."""
SCALE = 0.5
"""Twice the root of a count that varies by chance alone has a deviation of one."""
ALLOWANCE = 1.0
PARTS = 10
"""The windows of a part of the training period are judged without it."""
SCHEMA = pl.Schema({"series": pl.String(), "window_seconds": pl.Float64(), "counts": pl.List(pl.Float64())})
HOURS_OF_WEEK = "hour of the week"
"""The row of the hour of the week in which each window begins, 0 to 167."""
WORST = ""
"""The row of the highest -log10 of a p-value in each window of the training period, while it was held out."""


@dataclass(frozen=True)
class RateChange:
    """A series that is unlike the training period from a window to another."""

    series: str
    kind: str
    """`more`, `less`, or `none`."""
    first: datetime
    last: datetime
    worst: datetime
    """When the strangest window begins."""
    lines: int
    """In it."""
    usual: float
    """Lines in the median window of the training period."""
    extreme: int
    """The most, or the fewest, of any window there."""
    window_seconds: float
    score: float
    """-log10 of its p-value, for one series and window."""
    beyond_load: float
    """The same for what the load of all lines does not explain."""


def counted(lines: Lines) -> pl.DataFrame | None:
    """The lines of a training period over time, as SCHEMA says; None where it has no clock or is too short."""
    if not len(lines.start_C):
        return None
    seconds = _window_seconds(lines)
    if seconds is None:
        return None
    windows = Windows.of(lines, seconds)
    if windows.running_W.sum() < LEAST_WINDOWS:
        return None
    of_event = np.bincount(lines.event_C, lines.lines_C, minlength=len(lines.names))
    of_name: dict[str, float] = {}
    for event in np.flatnonzero(of_event).tolist():
        of_name[lines.names[event]] = of_name.get(lines.names[event], 0.0) + of_event[event]
    frequent = sorted(of_name, key=lambda name: -of_name[name])[:MOST_SERIES]
    logs = [OF_LOG + name for name in lines.sources] if len(lines.sources) > 1 else []
    names = [ALL, ERRORS, WARNINGS, *logs[:MOST_SERIES], *frequent]
    counts_RW = np.stack([windows.counts(name) for name in names])
    hours_W = hours_of(windows.starts_W)
    worst_W = _worst_held_out(counts_RW, hours_W)
    rows = [(WORST, seconds, worst_W.tolist()), (HOURS_OF_WEEK, seconds, hours_W.astype(np.float64).tolist())]
    rows += [(name, seconds, counts_W.tolist()) for name, counts_W in zip(names, counts_RW, strict=True)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def changes(known: pl.DataFrame, lines: Lines) -> tuple[list[RateChange], int]:
    """The series of `lines` that are unlike those of the training period, and how many windows were looked at.

    A log that the training period has not, and one that is not there now, is not compared. Where the training period is
    too short to show how days differ, each change is also measured beside the load, see `load`.
    """
    if not len(lines.start_C):
        return [], 0
    seconds = float(known["window_seconds"][0])
    windows = Windows.of(lines, seconds)
    if not windows.running_W.any():
        return [], 0
    rates = known_rates(known)
    here = {
        name: windows.counts(name)
        for name in rates.series
        if not name.startswith(OF_LOG) or name.removeprefix(OF_LOG) in lines.sources
    }
    return changes_of(rates, here, windows.starts_W, seconds), int(windows.running_W.sum())


@dataclass(frozen=True)
class KnownRates:
    """The rates of a training period."""

    series: "dict[str, Then]"
    """By their names."""
    shows_days: bool
    """Whether it shows how days differ."""


def known_rates(known: pl.DataFrame) -> KnownRates:
    """From SCHEMA."""
    hours = known.filter(pl.col("series") == HOURS_OF_WEEK)["counts"].to_list()
    hours_W = np.array(hours[0]).astype(np.int64) if hours else None
    series = {
        name: Then.of(np.array(counts), hours_W)
        for name, _, counts in known.iter_rows()
        if name not in (WORST, HOURS_OF_WEEK)
    }
    return KnownRates(series, hours_W is not None and covers_days(hours_W))


def changes_of(known: KnownRates, now: Mapping[str, Floats], starts_W: Floats, seconds: float) -> list[RateChange]:
    """The series of `now`, lines in windows of `seconds` from `starts_W` on, that changed, the least likely first."""
    loads = _Loads.of(known, now)
    found = [_change(name, known.series[name], now_W, starts_W, seconds, loads) for name, now_W in now.items()]
    return sorted((change for change in found if change), key=lambda change: -change.score)


def _change(
    name: str, then: "Then", now_W: Floats, starts_W: Floats, seconds: float, loads: "_Loads"
) -> RateChange | None:
    """How a series differs from what it was, where it is hardly by chance."""
    more_W, less_W = then.scores(now_W, hours_of(starts_W))
    score_W = np.maximum(more_W, less_W)
    if score_W.max() <= -np.log10(0.05):
        return None
    load_W = loads.beside(name)
    beyond_W = np.where(
        more_W >= less_W,
        np.minimum(more_W, then.scores(now_W / np.maximum(load_W, 1.0), hours_of(starts_W))[0]),
        np.minimum(less_W, then.scores(now_W / np.minimum(load_W, 1.0), hours_of(starts_W))[1]),
    )
    worst = int(np.lexsort((score_W, beyond_W))[-1])
    kind = "more" if more_W[worst] >= less_W[worst] else "none" if now_W[worst] == 0 else "less"
    alike_W = score_W >= score_W[worst] / 2
    start, stop = worst, worst
    while start > 0 and alike_W[start - 1]:
        start -= 1
    while stop + 1 < len(alike_W) and alike_W[stop + 1]:
        stop += 1
    return RateChange(
        name, kind, moment(starts_W[start]), moment(starts_W[stop] + seconds), moment(starts_W[worst]),
        int(now_W[worst]), then.usual(int(hours_of(starts_W)[worst])),
        int(then.counts_W.max() if kind == "more" else then.counts_W.min()), seconds,
        float(score_W[worst]), float(beyond_W[worst]),
    )  # fmt: skip


@dataclass(frozen=True)
class Windows:
    """Lines in windows of equal length."""

    lines: Lines
    seconds: float
    window_C: NDArray[np.int64]
    """The window of each count, relative to the first."""
    first: int
    """The number of the first window."""
    running_W: NDArray[np.bool_]
    """Which windows were whole: the log ran through them. Those without any line, and those beside them, are none: the
    program did not run, or it was just starting."""

    @classmethod
    def of(cls, lines: Lines, seconds: float) -> "Windows":
        """The windows of `seconds` seconds."""
        window_C = np.floor(lines.start_C / seconds).astype(np.int64)
        first = int(window_C.min())
        some_W = np.bincount(window_C - first) > 0
        inside_W = np.pad(some_W, 1)
        return cls(lines, seconds, window_C - first, first, some_W & inside_W[:-2] & inside_W[2:])

    @property
    def starts_W(self) -> Floats:
        """When the running windows begin, in seconds since 1970."""
        starts: Floats = ((self.first + np.flatnonzero(self.running_W)) * self.seconds).astype(np.float64)
        return starts

    def counts(self, name: str) -> Floats:
        """The lines of a series in each running window."""
        own_C = self.lines.are_of(name)
        counts_W = np.bincount(self.window_C[own_C], self.lines.lines_C[own_C], minlength=len(self.running_W))
        counts: Floats = counts_W[self.running_W].astype(np.float64)
        return counts


@dataclass(frozen=True)
class _Loads:
    """What the load is measured by."""

    names: list[str]
    """The templates."""
    now_TW: Floats
    usual_TW: Floats
    known: bool
    """The training period shows how days differ: any other load is unusual."""

    @classmethod
    def of(cls, known: KnownRates, now: Mapping[str, Floats]) -> "_Loads":
        """The templates among the series of `now`."""
        names = [name for name in now if name not in (ALL, ERRORS, WARNINGS) and not name.startswith(OF_LOG)]
        width = len(next(iter(now.values()), np.empty(0)))
        usual = [np.full(width, known.series[name].counts_W.mean()) for name in names]
        lines = [now[name] for name in names]
        return cls(names, np.array(lines).reshape(-1, width), np.array(usual).reshape(-1, width), known.shows_days)

    def beside(self, name: str) -> Floats:
        """The load by all kinds of lines but this one, shape W."""
        if self.known:
            return np.ones(self.now_TW.shape[1])
        others_T = np.array([other != name for other in self.names], dtype=bool)
        return load(self.now_TW[others_T], self.usual_TW[others_T])


def worst_of(known: pl.DataFrame) -> Floats:
    """The highest score of any series in each window of the training period, while it was held out; shape W."""
    worst: Floats = np.array(known.filter(pl.col("series") == WORST)["counts"][0], dtype=np.float64)
    return worst


def _window_seconds(lines: Lines) -> float | None:
    """The length of a window; None where no length gives enough of them."""
    found = None
    for seconds in WINDOW_SECONDS:
        if seconds < lines.seconds:
            continue
        _, window_C = np.unique(np.floor(lines.start_C / seconds), return_inverse=True)
        counts_W = np.bincount(window_C, lines.lines_C)
        if len(counts_W) < LEAST_WINDOWS:
            break
        if len(counts_W) > MOST_WINDOWS:
            continue
        median = np.median(counts_W)
        if median >= LINES_PER_WINDOW:
            return seconds
        if median >= FEWEST_PER_WINDOW:
            found = seconds
    return found


@dataclass(frozen=True)
class Then:
    """A series in the windows of the training period, with its course of a day or a week, where it has one."""

    counts_W: Floats
    hours_W: NDArray[np.int64]
    period: int | None

    @classmethod
    def of(cls, counts_W: Floats, hours_W: NDArray[np.int64] | None) -> "Then":
        """The series; `hours_W` are the hours of the week, None where they are not known."""
        if hours_W is None:
            return cls(counts_W, np.zeros(len(counts_W), dtype=np.int64), None)
        return cls(counts_W, hours_W, period_of(hours_W, _roots(counts_W)))

    def usual(self, hour: int) -> float:
        """The lines in a usual window at that hour of the week."""
        if self.period is None:
            return float(np.median(self.counts_W))
        return float(max(0.0, (self._expected[hour] / 2) ** 2 - 0.375))

    def scores(self, now_W: Floats, hours_W: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """-log10 of the p-values of more and of fewer lines than in these windows, each of the shape of `now_W`.

        By twice the root of the counts, whose spread does not depend on the rate (Anscombe 1948), without the course.
        """
        now = _roots(now_W) - self._expected[hours_W]
        more: Floats = -np.log10(self._more.p_values(now))
        less: Floats = np.zeros(len(now_W))
        if self._less is not None:
            less = -np.log10(self._less.p_values(-now))
        return more, less

    @cached_property
    def _expected(self) -> Floats:
        return course(self.hours_W, _roots(self.counts_W), self.period)

    @cached_property
    def _more(self) -> ScoreTail:
        return fit_tail(_roots(self.counts_W) - self._expected[self.hours_W], SCALE, ALLOWANCE)

    @cached_property
    def _less(self) -> ScoreTail | None:
        """None for a series that may well have no line in a window."""
        if self.counts_W.min() < 1 or np.median(self.counts_W) < REGULAR:
            return None
        return fit_tail(self._expected[self.hours_W] - _roots(self.counts_W), SCALE, ALLOWANCE)


def _roots(counts_W: Floats) -> Floats:
    roots: Floats = 2 * np.sqrt(counts_W + 0.375)
    return roots


def _worst_held_out(counts_RW: Floats, hours_W: NDArray[np.int64]) -> Floats:
    """The highest score of any series in each window, by the windows of the other parts; shape W."""
    worst_W = np.zeros(counts_RW.shape[1])
    periods = [period_of(hours_W, _roots(counts_W)) for counts_W in counts_RW]
    for own in np.array_split(np.arange(counts_RW.shape[1]), PARTS):
        others = np.delete(np.arange(counts_RW.shape[1]), own)
        for counts_W, period in zip(counts_RW, periods, strict=True):
            scores = Then(counts_W[others], hours_W[others], period).scores(counts_W[own], hours_W[own])
            worst_W[own] = np.maximum(worst_W[own], np.maximum(*scores))
    return worst_W


def moment(seconds: float) -> datetime:
    """From seconds since 1970."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(seconds))
