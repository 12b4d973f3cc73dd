"""Numbers far outside of what a slot ever had, or that drift out of it.

Shapes: N numbers of a slot in the order of time, P parts of the training period.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.threshold.calibration import fit_tail
from isang.detection.threshold.stretches import SCALE, stretch_score
from isang.logs.slots.quantities import written
from isang.model.batches import Floats
from isang.model.folder.log_tables import LOG_TABLES, NUMBERS

LEAST_NUMBERS, MOST_NUMBERS = 100, 4_000
"""A slot with fewer numbers is ignored; of others the latest MOST_NUMBERS are kept."""
LEAST_DIFFERENT = 10
"""Where fewer numbers are different they are few values, see new_values.py."""
TOGETHER = 10
"""Number of consecutive numbers whose mean is also examined: it shows a shift that widely scattered single numbers do
not show."""
LEAST_SHARE = 0.95
"""Means are reported only if at least this share of the lines was examined, then and now: otherwise consecutive numbers
come from distant lines, and their means vary less."""
OF_MEANS = 0.1
"""Means are reported at this share of the usual p-value: neighbouring numbers are correlated, so their means vary
more."""
PARTS = 10
"""A part of the training period is judged by the others."""
STRAYS = 3.0
"""-log10 of a p-value from which a part is unlike the others..."""
MOST_STRAYS = 1
"""... and a slot of which more parts are has no range: a counter, an id, a time, a heavy tail."""
MOST_SIZE = 1e10
"""Larger ones without a unit are ids, addresses or times."""
COUNTING = 0.8
"""A slot is a counter if at least this share of its steps goes up, or down."""
LEAST_SCALE = 0.1
"""Minimum scale of the tail beyond the highest number, as a share of the usual spread."""


@dataclass(frozen=True)
class StrangeNumbers:
    """Numbers of a slot that it hardly ever has."""

    event: int
    slot: int | None
    name: str | None
    unit: str
    lines: int
    """Number of lines beyond all of the training period; 0 if only the means are beyond."""
    worst: float
    """The farthest of them, or of the means."""
    known: tuple[float, float]
    """Minimum and maximum of the training period, or of its means if the means are reported."""
    of: int
    """Numbers of the training period that were looked at."""
    places: tuple[int, ...]
    """Which of the slot's lines they are, in the order of time."""
    p_value: float
    """How many stretches of as many lines have in any slot what is as strange, where nothing has changed."""

    def says_of(self, name: str) -> str:
        """One sentence."""
        low, high, worst = (written(number, self.unit) for number in (*self.known, self.worst))
        before = f"in {self.of:,} lines of the training period"
        if not self.lines:
            return (
                f"{name} is {worst} in the mean of {TOGETHER} lines in a row; {before} such means were {low} to {high}."
            )
        if self.lines == 1:
            return f"{name} is {worst} in 1 line; {before} it was {low} to {high}."
        bound = "up to" if self.worst > self.known[1] else "down to"
        return f"{name} is {bound} {worst} in {self.lines:,} lines; {before} it was {low} to {high}."

    def says_ko_of(self, name: str) -> str:
        """The same in Korean."""
        low, high, worst = (written(number, self.unit) for number in (*self.known, self.worst))
        before = f"학습 기간 {self.of:,}줄"
        if not self.lines:
            return f"{name}: 연속 {TOGETHER}줄의 평균이 {worst}. {before}에서 이 평균은 {low}~{high}였습니다."
        bound = "최대" if self.worst > self.known[1] else "최소"
        return f"{name}: {self.lines:,}줄에서 {bound} {worst}. {before}에서는 {low}~{high}였습니다."


def known_numbers(series: pl.DataFrame) -> pl.DataFrame | None:
    """The slots of a training period with a range, and how much its parts differ; None if there are none.

    `series`: SERIES_SCHEMA with the `template` of each event. The first row, without a template, holds the highest
    score of any slot in each part, relative to the other parts.
    """
    rows, worst_P = [], np.zeros(PARTS)
    for row in series.filter(pl.col("unit").is_not_null()).iter_rows(named=True):
        numbers_N = np.array(row["numbers"], dtype=np.float64)
        numbers_N = numbers_N[np.isfinite(numbers_N)]
        if len(numbers_N) < LEAST_NUMBERS or len(np.unique(numbers_N)) < LEAST_DIFFERENT:
            continue
        if _has_no_range(numbers_N, row["unit"]):
            continue
        scores_P = _of_parts(numbers_N)
        if (scores_P >= STRAYS).sum() <= MOST_STRAYS:
            worst_P = np.maximum(worst_P, scores_P)
            kept = numbers_N[-MOST_NUMBERS:].tolist()
            rows.append((row["template"], row["slot"], row["name"], row["unit"], len(numbers_N), row["share"], kept))
    if not rows:
        return None
    head = ("", None, None, "", 0, 0.0, worst_P.tolist())
    return pl.DataFrame([head, *rows], schema=dict(LOG_TABLES[NUMBERS]), orient="row")


def _has_no_range(numbers_N: Floats, unit: str) -> bool:
    steps = np.diff(numbers_N)
    up = float((steps > 0).sum()) / max(1, int((steps != 0).sum()))
    return not 1 - COUNTING < up < COUNTING or (not unit and float(np.abs(numbers_N).max()) > MOST_SIZE)


def strange_numbers(known: pl.DataFrame, series: pl.DataFrame) -> list[StrangeNumbers]:
    """The slots of `series` whose numbers are unlike those of the training period, the least likely first.

    A number beyond all that were known has a p-value by the tail of its slot, and so has a mean of TOGETHER in a row.
    What many of them say is one score; how often parts of the training period had as high a one in any slot is the
    p-value.
    """
    tail = fit_tail(known["numbers"][0].to_numpy(), SCALE)
    both = known[1:].join(
        series.filter(pl.col("unit").is_not_null()).select(
            "template", "slot", "name", "unit", "event", now="numbers", share_now="share"
        ),
        on=["template", "slot", "name", "unit"], nulls_equal=True,
    )  # fmt: skip
    found = []
    for row in both.iter_rows(named=True):
        then_N, now = np.array(row["numbers"]), np.array(row["now"], dtype=np.float64)
        places = np.flatnonzero(np.isfinite(now))
        if not len(places):
            continue
        scale = _Scale.of(then_N)
        scaled = scale.of_numbers(then_N), scale.of_numbers(now[places])
        score, of_means = _score(*scaled)
        if of_means and min(row["share"], row["share_now"]) < LEAST_SHARE:
            score, of_means = _beyond(*scaled), False
        parts = max(1.0, len(places) * PARTS / row["of"]) / (OF_MEANS if of_means else 1.0)
        p_value = min(1.0, parts * float(tail.p_values(np.array([score]))[0]))
        told = _farthest(row, then_N, now[places], places, of_means, p_value)
        found += [] if told is None else [told]
    return sorted(found, key=lambda one: one.p_value)


def _farthest(
    row: dict[str, Any], then_N: Floats, now_N: Floats, places: NDArray[np.int64], of_means: bool, p_value: float
) -> StrangeNumbers | None:
    """What is farthest out; None where nothing is."""
    if of_means:
        then_N, now_N = _means(then_N), _means(now_N)
        places = places[TOGETHER - 1 :: TOGETHER]
    low, high = float(then_N.min()), float(then_N.max())
    beyond = np.flatnonzero((now_N > high) | (now_N < low))
    if not len(beyond):
        return None
    out = np.maximum(now_N[beyond] - high, low - now_N[beyond])
    return StrangeNumbers(
        row["event"], row["slot"], row["name"], row["unit"], 0 if of_means else len(beyond),
        float(now_N[beyond[out.argmax()]]), (low, high), row["of"], tuple(places[beyond].tolist()), p_value,
    )  # fmt: skip


@dataclass(frozen=True)
class _Scale:
    """Numbers of any size and sign on a scale that is that of their logarithm where they are large."""

    unit: float

    @classmethod
    def of(cls, numbers_N: Floats) -> "_Scale":
        sizes = np.abs(numbers_N)
        return cls(float(np.median(sizes)) or float(sizes.mean()) or 1.0)

    def of_numbers(self, numbers_N: Floats) -> Floats:
        scaled: Floats = np.arcsinh(numbers_N / self.unit)
        return scaled


def _of_parts(numbers_N: Floats) -> Floats:
    """The score of each part of the period relative to the others, shape P."""
    scaled = _Scale.of(numbers_N).of_numbers(numbers_N)
    parts = np.array_split(np.arange(len(scaled)), PARTS)
    return np.array([_score(np.delete(scaled, own), scaled[own])[0] for own in parts])


def _score(then_N: Floats, now_N: Floats) -> tuple[float, bool]:
    """How strange numbers are, and whether it is their means that are so."""
    single, together = _beyond(then_N, now_N), _beyond(_means(then_N), _means(now_N))
    return max(0.0, max(single, together) - float(np.log10(2))), together > single


def _beyond(then_N: Floats, now_N: Floats) -> float:
    """The score of the numbers beyond all known ones; 0 if there are none.

    Numbers within the range mean nothing: a slow trend crowds them at one end for a while.
    """
    if not len(now_N) or not len(then_N):
        return 0.0
    low, high = np.quantile(then_N, [0.05, 0.95])
    scale = max(LEAST_SCALE * float(high - low), 1e-9)
    more, less = fit_tail(then_N, scale).p_values(now_N), fit_tail(-then_N, scale).p_values(-now_N)
    outside = (now_N > then_N.max()) | (now_N < then_N.min())
    return stretch_score(2 * np.minimum(more, less)[outside], len(now_N))


def _means(numbers_N: Floats) -> Floats:
    """The means of consecutive, non-overlapping groups of TOGETHER numbers."""
    whole = len(numbers_N) // TOGETHER * TOGETHER
    means: Floats = numbers_N[:whole].reshape(-1, TOGETHER).mean(axis=1)
    return means
