"""How many lines of each kind come in a time, beside the training period: more than ever, less than ever, none.

Shapes: W windows of equal length, R series (templates, levels, all lines), L lines.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.threshold.calibration import fit_tail
from isang.logs.store import Dataset
from isang.model.batches import Floats
from isang.model.vocabulary import UNSEEN, Vocabulary
from isang.model.wording import loudness_of

WINDOW_SECONDS = (10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0)
LINES_PER_WINDOW = 100
"""A window is as short as that many lines allow, in the median of those with any."""
LEAST_WINDOWS, MOST_WINDOWS = 40, 5_000
MOST_SERIES = 200
REGULAR = 5
"""A series is missed where it never had fewer lines in a window than one, and this many in the median."""
SCALE = 0.5
"""Twice the root of a count that varies by chance alone has a deviation of one."""
ALLOWANCE = 1.0
PARTS = 10
"""The windows of a part of the training period are judged without it."""
ALL, ERRORS, WARNINGS = "all lines", "lines at ERROR or worse", "lines at WARNING or worse"
SCHEMA = pl.Schema({"series": pl.String(), "window_seconds": pl.Float64(), "counts": pl.List(pl.Float64())})
WORST = ""
"""The row of the highest -log10 of a p-value in each window of the training period, while it was held out."""


@dataclass(frozen=True)
class Change:
    """A series that is unlike the training period from a window to another."""

    series: str
    kind: str
    """`more`, `less`, or `none`."""
    first: datetime
    last: datetime
    lines: int
    """In the strangest window."""
    usual: float
    """Lines in the median window of the training period."""
    extreme: int
    """The most, or the fewest, of any window there."""
    window_seconds: float
    score: float
    """-log10 of its p-value, for one series and window."""


def counted(dataset: Dataset, vocabulary: Vocabulary) -> pl.DataFrame | None:
    """The lines of a training period over time, as SCHEMA says; None where it has no clock or is too short."""
    times_L, token_L, loud_L = _lines(dataset, vocabulary)
    if not len(times_L):
        return None
    seconds = _window_seconds(times_L)
    if seconds is None:
        return None
    window_L, first, running_W = _windows(times_L, seconds)
    if running_W.sum() < LEAST_WINDOWS:
        return None
    tokens, lines = np.unique(token_L[token_L != UNSEEN], return_counts=True)
    frequent = tokens[np.argsort(-lines, kind="stable")[:MOST_SERIES]]
    names = [ALL, ERRORS, WARNINGS, *(vocabulary.name(int(token)) for token in frequent)]
    members = [np.ones(len(token_L), dtype=bool), loud_L >= 3, loud_L >= 2, *(token_L == token for token in frequent)]
    counts_RW = np.stack(
        [np.bincount(window_L[own_L] - first, minlength=len(running_W))[running_W] for own_L in members]
    ).astype(np.float64)
    worst_W = _worst_held_out(counts_RW)
    rows = [(WORST, seconds, worst_W.tolist())]
    rows += [(name, seconds, counts_W.tolist()) for name, counts_W in zip(names, counts_RW, strict=True)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def changes(known: pl.DataFrame, dataset: Dataset, vocabulary: Vocabulary) -> tuple[list[Change], int]:
    """The series of `dataset` that are unlike those of the training period, and how many windows were looked at."""
    times_L, token_L, loud_L = _lines(dataset, vocabulary)
    if not len(times_L):
        return [], 0
    seconds = float(known["window_seconds"][0])
    window_L, first, running_W = _windows(times_L, seconds)
    windows = np.flatnonzero(running_W)
    if not len(windows):
        return [], 0
    token_of = {vocabulary.name(token): token for token in np.unique(token_L).tolist() if token != UNSEEN}
    found = []
    for name, _, counts in known.iter_rows():
        if name == WORST:
            continue
        own_L = _members(name, token_of.get(name, -1), token_L, loud_L)
        now_W = np.bincount(window_L[own_L] - first, minlength=len(running_W))[running_W].astype(np.float64)
        then_W = np.array(counts)
        more_W, less_W = _scores(then_W, now_W)
        score_W = np.maximum(more_W, less_W)
        worst = int(score_W.argmax())
        if score_W[worst] <= -np.log10(0.05):
            continue
        kind = "more" if more_W[worst] >= less_W[worst] else "none" if now_W[worst] == 0 else "less"
        alike_W = score_W >= score_W[worst] / 2
        start, stop = worst, worst
        while start > 0 and alike_W[start - 1]:
            start -= 1
        while stop + 1 < len(alike_W) and alike_W[stop + 1]:
            stop += 1
        found.append(
            Change(
                name, kind, _moment((first + windows[start]) * seconds), _moment((first + windows[stop] + 1) * seconds),
                int(now_W[worst]), float(np.median(then_W)), int(then_W.max() if kind == "more" else then_W.min()),
                seconds, float(score_W[worst]),
            )
        )  # fmt: skip
    return sorted(found, key=lambda change: -change.score), len(windows)


def worst_of(known: pl.DataFrame) -> Floats:
    """The highest score of any series in each window of the training period, while it was held out; shape W."""
    worst: Floats = np.array(known.filter(pl.col("series") == WORST)["counts"][0], dtype=np.float64)
    return worst


def _members(name: str, token: int, token_L: NDArray[np.int64], loud_L: NDArray[np.int64]) -> NDArray[np.bool_]:
    levels = {ALL: loud_L >= 0, ERRORS: loud_L >= 3, WARNINGS: loud_L >= 2}
    own_L: NDArray[np.bool_] = levels.get(name, token_L == token)
    return own_L


def _lines(dataset: Dataset, vocabulary: Vocabulary) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """When each line came, in seconds since 1970, its token and its loudness, in the order of time; each of shape L."""
    table = dataset.sessions.select(pl.col("start").dt.epoch("us").cast(pl.Float64) / 1e6, "events", "gaps_ms")
    table = table.filter(
        pl.col("start").is_not_null() & (pl.col("gaps_ms").list.len() == pl.col("events").list.len())
    ).with_row_index("session")
    lines = table.explode("events", "gaps_ms")
    times_L = lines.select(
        pl.col("start") + pl.col("gaps_ms").fill_null(0).cum_sum().over("session").cast(pl.Float64) / 1000
    ).to_series().to_numpy()  # fmt: skip
    events_L = lines["events"].to_numpy()
    order = np.argsort(times_L, kind="stable")
    loud_of = np.zeros(int(dataset.templates["event"].max() or 0) + 1, dtype=np.int64)  # type: ignore[arg-type]
    for event, template, level in dataset.templates["event", "template", "level"].iter_rows():
        loud_of[event] = loudness_of(template, level)
    token_of = np.asarray(vocabulary.tokens(dataset), dtype=np.int64)
    return times_L[order], token_of[events_L[order]], loud_of[events_L[order]]


def _window_seconds(times_L: Floats) -> float | None:
    """The length of a window; None where no length gives enough of them."""
    for seconds in WINDOW_SECONDS:
        _, counts = np.unique(np.floor(times_L / seconds), return_counts=True)
        if len(counts) < LEAST_WINDOWS:
            return None
        if np.median(counts) >= LINES_PER_WINDOW and len(counts) <= MOST_WINDOWS:
            return seconds
    return None


def _windows(times_L: Floats, seconds: float) -> tuple[NDArray[np.int64], int, NDArray[np.bool_]]:
    """The window of each line, the number of the first one, and which windows were whole: the log ran through them.

    Windows without any line, and those beside them, are none: the program did not run, or it was just starting.
    """
    window_L = np.floor(times_L / seconds).astype(np.int64)
    first = int(window_L[0])
    some_W = np.bincount(window_L - first) > 0
    inside_W = np.pad(some_W, 1)
    return window_L, first, some_W & inside_W[:-2] & inside_W[2:]


def _scores(then_W: Floats, now_W: Floats) -> tuple[Floats, Floats]:
    """-log10 of the p-values of more and of fewer lines than in the training period, each of the shape of `now_W`.

    By twice the root of the counts, whose spread does not depend on the rate (Anscombe 1948).
    """
    then, now = 2 * np.sqrt(then_W + 0.375), 2 * np.sqrt(now_W + 0.375)
    more: Floats = -np.log10(fit_tail(then, SCALE, ALLOWANCE).p_values(now))
    less: Floats = np.zeros(len(now_W))
    if then_W.min() >= 1 and np.median(then_W) >= REGULAR:
        less = -np.log10(fit_tail(-then, SCALE, ALLOWANCE).p_values(-now))
    return more, less


def _worst_held_out(counts_RW: Floats) -> Floats:
    """The highest score of any series in each window, by the windows of the other parts; shape W."""
    worst_W = np.zeros(counts_RW.shape[1])
    for own in np.array_split(np.arange(counts_RW.shape[1]), PARTS):
        others = np.setdiff1d(np.arange(counts_RW.shape[1]), own)
        for counts_W in counts_RW:
            worst_W[own] = np.maximum(worst_W[own], np.maximum(*_scores(counts_W[others], counts_W[own])))
    return worst_W


def _moment(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(seconds))
