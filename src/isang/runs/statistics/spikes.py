"""Finds the spikes of a loss curve: values above the curve's own noise.

n finite losses in order of training. The threshold accounts for the tail: noise with heavy tails has far outliers
although nothing has happened.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import lgamma, log, pi
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from isang.runs.read.table import Floats, Integers

WINDOW = 21
"""Losses in the running median that a spike stands out from."""
STRETCH = 1 << 14
"""Losses that are worked on at a time; their windows take 3 MB."""
FEWEST = 60
FALSE_SPIKES = 0.15
"""Expected number of values beyond the threshold in a run without spikes."""
FALSE_PART = 0.05
"""Maximum share of many spikes that may be noise, estimated by the values equally far below the curve."""
LOGARITHMIC = 1 / 3
"""The logarithm is taken where it leaves less than this part of the skew."""
MIRRORED = 7.5
"""Minimum height for this comparison: below it the uneven batches of healthy runs are more often above the curve."""
LEANING = 0.3
"""Noise whose 95 and 5 % quantiles differ by less than this many standard deviations is symmetric."""
UPPER = (0.5, 0.99)
"""Range of tail probabilities over which the upper side of skewed noise is fitted, down to 1 in 100."""
MOST_BEYOND = 5
"""Minimum number of values beyond the last quantile, if there are few values."""
UNSURE_SLOPE = 0.5
"""Standard errors by which the tail is taken to be longer than it seems."""
SKEWED, BENT = 1.0, 1.4
"""Noise that leans less is taken for skewed only where its tail is no longer, by this factor, than its bulk has it."""
BROKEN = 2.5
"""A tail longer than that of the bulk by more than this factor is not noise, however skewed."""
LONGER_TAIL = 1.4
"""How much longer a skewed tail may be than its bulk has it, where the tail itself cannot be seen for spikes."""
JUMP = 1.3
"""A rise over the past alone must exceed its threshold by this factor: a loss that wanders is often above its past."""
RECOVERY = 10
"""Losses after a spike within which a recovered curve is back."""
_DEGREES = (*np.arange(2.0, 5.0, 0.25).tolist(), 5.0, 5.5, 6.0, 7.0, 8.0, 10.0, 15.0, 30.0, 200.0)
MOST_IN_TAIL = 4_000
"""Maximum number of values, evenly spaced by rank, from which the tail is estimated."""
FEW_IN_TAIL = 500
UNSURE = 2.0
"""With fewer values than FEW_IN_TAIL the heaviest tail is taken that is less likely by no more than this logarithm."""


@dataclass(frozen=True)
class Spike:
    """One spike: consecutive losses beyond the threshold."""

    position: int
    """Of its highest loss."""
    length: int
    height: float
    """Robust standard deviations above the running median."""
    rise: float
    """Above what came before it, in the unit of the loss."""
    start: int
    """Position of its first loss."""
    kind: str
    """`recovered`, `lingering` (back only after RECOVERY losses) or `divergent` (never back)."""


@dataclass(frozen=True)
class Spikes:
    """All spikes of a curve."""

    found: tuple[Spike, ...]
    threshold: float
    """In robust standard deviations."""
    tail_degrees: float
    """Degrees of freedom of the t distribution that matches the noise's tail; 200 represents a normal one."""
    logarithmic: bool
    """The heights are those of the logarithm of the loss, on which the noise is symmetric."""
    beyond_five: tuple[int, int]
    """Losses more than five robust standard deviations above and below the running median."""


def find_spikes(loss: Floats) -> Spikes | None:
    """The spikes in n losses; None below FEWEST losses."""
    n = len(loss)
    if n < FEWEST:
        return None
    curve = _Curve(loss, _is_multiplicative(loss))
    height = _Heights(curve, _running_median, curve.resolution)
    # The centred median follows a jump to a new level; the past one does not.
    jump = _Heights(curve, _past_median, curve.resolution)
    threshold, degrees = _threshold(height.values)
    threshold = min(threshold, _mirrored_threshold(height.values))
    upper = _skewed_threshold(height.values)
    if upper is not None:
        threshold = max(threshold, upper)
    past = max(_threshold(jump.values)[0], _skewed_threshold(jump.values) or 0.0)
    beyond = (height.values > threshold) | (jump.values > JUMP * past)
    edges = np.diff(np.concatenate([[False], beyond, [False]]).astype(np.int8))
    runs = zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist(), strict=True)
    rows = np.flatnonzero(beyond)
    height.values[rows] = np.maximum(height.values[rows], jump.values[rows])
    found = tuple(
        _spike(curve, height.values, start, end)
        for start, end in runs
        if start > 0 and _rises(curve, start, end, threshold / 2 * height.spread_at(start))
    )
    far = (int((height.values > 5).sum()), int((height.values < -5).sum()))
    return Spikes(found, threshold, degrees, curve.logarithmic, far)


@dataclass(frozen=True)
class _Curve:
    """n losses, or their logarithms, a stretch at a time."""

    loss: Floats
    logarithmic: bool

    def __call__(self, start: int, end: int) -> Floats:
        part = self.loss[max(start, 0) : end]
        return np.log(part) if self.logarithmic else part

    @property
    def resolution(self) -> float:
        """The smallest step between two different values, as far as the log printed digits."""
        steps = np.abs(np.diff(self(0, 5000)))
        steps = steps[steps > 1e-12]
        return float(steps.min()) if len(steps) else 0.0


class _Heights:
    """The distance of each of n values from its local median, in robust standard deviations around it."""

    def __init__(self, curve: _Curve, median: Callable[[_Curve, int, int], Floats], least: float) -> None:
        n = len(curve.loss)
        self._least = least
        self.values = np.empty(n)
        for start in range(0, n, STRETCH):
            end = min(start + STRETCH, n)
            self.values[start:end] = curve(start, end) - median(curve, start, end)
        self._centres, self._spreads = _block_spreads(self.values)
        for start in range(0, n, STRETCH):
            part = self.values[start : start + STRETCH]
            part /= self.spread_at(np.arange(start, start + len(part)))

    def spread_at(self, position: Any) -> Any:
        """Robust standard deviation around each position, at least the least one."""
        return np.maximum(np.interp(position, self._centres, self._spreads), self._least)


def _running_median(curve: _Curve, start: int, end: int) -> Floats:
    """The median of the WINDOW values around each one from `start` to before `end`, of fewer at the curve's ends."""
    half = WINDOW // 2
    first, last = max(start, half), min(end, len(curve.loss) - half)  # between them the windows are whole
    result = np.empty(end - start)
    if first < last:
        windows = sliding_window_view(curve(first - half, last + half), WINDOW)
        result[first - start : last - start] = np.partition(windows, half, axis=1)[:, half]
    for position in (*range(start, min(first, end)), *range(max(last, start), end)):
        result[position - start] = np.median(curve(position - half, position + half + 1))
    return result


def _past_median(curve: _Curve, start: int, end: int) -> Floats:
    """The median of the WINDOW values before each one, of fewer from the 12th on; before that the running median."""
    behind = WINDOW // 2 + 1
    late = min(max(start, behind), end)
    early = _running_median(curve, start, late)
    return np.concatenate([early, _running_median(curve, late - behind, end - behind)])


def _is_multiplicative(loss: Floats) -> bool:
    """The noise is more even on a logarithmic scale: it grows with the level, and its upper side is the longer one."""
    if loss.min() <= 0:
        return False
    lean = []
    for logarithmic in (False, True):
        height = _Heights(_Curve(loss, logarithmic), _running_median, 0.0).values
        low, high = np.quantile(height, [0.05, 0.95], overwrite_input=True)
        lean.append(abs(float(high + low)))
    return lean[0] > LEANING and lean[1] < LOGARITHMIC * lean[0]


def _rises(curve: _Curve, start: int, end: int, least: float) -> bool:
    """The values beyond the threshold stand above the one before them: no mere descent."""
    return bool(curve(start, end).max() - curve(start - 1, start)[0] > least)


def _spike(curve: _Curve, height: Floats, start: int, end: int) -> Spike:
    n = len(height)
    top = start + int(np.argmax(height[start:end]))
    before = float(_past_median(curve, start, start + 1)[0])
    half = before + (float(curve(top, top + 1)[0]) - before) / 2  # back means below half of the spike's height
    soon = curve(top + 1, top + 1 + RECOVERY)
    if not len(soon) or float(np.median(soon)) <= half:
        kind = "recovered"
    else:
        kind = "divergent" if _running_median(curve, n - 1, n)[0] > half else "lingering"
    level = float(np.exp(before)) if curve.logarithmic else before
    return Spike(top, end - start, float(height[top]), float(curve.loss[top]) - level, start, kind)


def _block_spreads(residual: Floats) -> tuple[Floats, Floats]:
    """Centres and robust standard deviations of blocks of about 200, at least a fiftieth of the median one."""
    n = len(residual)
    size = max(FEWEST // 2, min(200, n // 5))
    count = max(1, n // size)
    blocks = residual[: count * size].reshape(count, size)
    some = max(1, STRETCH // size)
    medians = [np.median(np.abs(blocks[first : first + some]), axis=1) for first in range(0, count, some)]
    spreads = np.asarray(1.4826 * np.concatenate(medians), dtype=np.float64)
    overall = float(np.median(spreads)) or float(np.abs(residual).max()) or 1.0
    centres = np.arange(0.5, count) * size
    return centres, np.maximum(spreads, 0.02 * overall)


def _threshold(height: Floats) -> tuple[float, float]:
    """Where FALSE_SPIKES values are expected in n of the fitted t distribution, and its degrees of freedom.

    The tail is read off the lower residuals, which spikes cannot touch: the likeliest degrees of freedom for those
    beyond their median, which sets the scale.
    """
    lower = height[height < 0]
    np.negative(lower, out=lower)
    lower.sort()
    count = len(lower)
    if count > MOST_IN_TAIL:
        lower = lower[np.linspace(0, count - 1, MOST_IN_TAIL).astype(np.int64)]
    middle = float(np.median(lower)) if count else 1.0
    tail = lower[lower > middle] / max(middle, 1e-12)
    likelihood = np.array([_tail_likelihood(tail, degrees) for degrees in _DEGREES]) * count / max(len(lower), 1)
    best = likelihood >= likelihood.max() - (UNSURE if count < FEW_IN_TAIL else 0.0)
    degrees = _DEGREES[int(np.argmax(best))]  # the heaviest first
    table_x, table_tail = _tail(degrees)
    target = FALSE_SPIKES / len(height)
    beyond = float(np.exp(np.interp(-np.log(target), -np.log(table_tail), np.log(table_x))))
    return max(4.0, beyond / _absolute_quantile(degrees, 0.5) * middle), degrees


def _skewed_threshold(height: Floats) -> float | None:
    """The threshold for noise whose upper side is the longer one, None where it is not.

    The upper heights are fitted by a Weibull tail, P(height > x) = exp(-(x / scale) ** shape): a straight line in the
    logarithms, through the quantiles of UPPER, which spikes of less than one in a hundred values do not move.
    """
    lean = float(np.quantile(height, 0.95) + np.quantile(height, 0.05))
    if lean < LEANING:
        return None
    above = height[height > 0]
    count = len(above)
    if count < FEWEST // 2:
        return None
    least = max(1.0 - UPPER[1], MOST_BEYOND / count)
    beyond = np.geomspace(UPPER[0], least, 12)
    x, y = np.log(np.quantile(above, 1 - beyond)), np.log(-np.log(beyond))
    bend = (x[-1] - x[7]) / (y[-1] - y[7]) / max((x[7] - x[0]) / (y[7] - y[0]), 1e-9)
    if lean < SKEWED and bend > BENT:
        return None  # a tail that turns away from the noise below it is one of spikes
    if bend > BROKEN:  # so it is in skewed noise, whose own tail then follows from what lies below it
        x, y, beyond = x[:8], y[:8], beyond[:8]
    slope = float(np.polyfit(y, x, 1)[0])  # of the logarithm of the height: 1 / shape
    slope *= LONGER_TAIL if bend > BROKEN else 1.0
    error = float(np.sqrt(1.0 / (count * beyond[-1]))) / float(y[-1] - y[0]) * slope
    wanted = float(np.log(-np.log(FALSE_SPIKES / 2 / count)))
    return float(np.exp(x[-1] + (max(slope, 0.5) + UNSURE_SLOPE * error) * (wanted - y[-1])))


def _tail_likelihood(tail: Floats, degrees: float) -> float:
    """Log likelihood of values beyond the median of |t|, in units of that median, for `degrees` degrees of freedom."""
    median = _absolute_quantile(degrees, 0.5)
    constant = lgamma((degrees + 1) / 2) - lgamma(degrees / 2) - 0.5 * log(degrees * pi) + log(median)
    return float((constant - (degrees + 1) / 2 * np.log1p((median * tail) ** 2 / degrees)).sum())


def _mirrored_threshold(height: Floats) -> float:
    """The lowest height, from MIRRORED on, above which at most FALSE_PART is noise; infinite if there is none.

    Noise is equally far below the curve as often as above it, spikes are only above (Barber and Candes 2015: the count
    below plus one, divided by the count above).
    """
    above, below = np.sort(height[height > MIRRORED]), np.sort(-height[height < -MIRRORED])
    beyond = len(above) - np.arange(len(above))
    mirrored = len(below) - np.searchsorted(below, above)
    fits = np.flatnonzero(mirrored + 1 <= FALSE_PART * beyond)
    return float(np.nextafter(above[fits[0]], 0.0)) if len(fits) else float("inf")


@cache
def _tail(degrees: float) -> tuple[Floats, Floats]:
    """x and P(T > x) of Student's t on a logarithmic grid, by summing its density from far out."""
    x = np.geomspace(0.01, 1e5, 6000)
    log_density = -(degrees + 1) / 2 * np.log1p(x * x / degrees)
    density = np.exp(log_density)
    pieces = (density[1:] + density[:-1]) / 2 * np.diff(x)
    tail = np.concatenate([np.cumsum(pieces[::-1])[::-1], [pieces[-1] * 1e-3]])
    tail = np.maximum(tail / (tail[0] + 0.01) * 0.5, 1e-300)
    keep = tail > 1e-290
    return x[keep], tail[keep]


@cache
def _absolute_quantile(degrees: float, share: float) -> float:
    x, tail = _tail(degrees)
    return float(np.interp(-(1 - share) / 2, -tail, x))


def positions(spikes: Spikes) -> Integers:
    """Positions of the highest losses of the spikes."""
    return np.array([spike.position for spike in spikes.found], dtype=np.int64)
