"""What noise does to a loss curve: autocorrelation, trends with honest intervals, spread, spikes' threshold.

n values at even distances throughout. Losses are autocorrelated, so the usual trend tests find trends in flat runs;
intervals here come from an autoregressive sieve bootstrap (Buehlmann 1997) of the Theil-Sen slope (Sen 1968).
"""

import math
from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import Floats

MOST_BLOCKS = 120
"""Trends are tested on at most this many block means."""
FEWEST_VALUES = 12
RESAMPLES = 399
FEWEST_EFFECTIVE = 6.0
"""Minimum number of independent values to distinguish a small trend from noise."""
HIGHEST_MEMORY = 0.985
"""The sum of the autoregressive coefficients is held below this."""


@dataclass(frozen=True)
class Trend:
    """The change over the whole stretch, its 96 % interval and what they rest on; units of the values."""

    change: float
    low: float
    high: float
    noise: float
    """Standard deviation of the block means around the curve."""
    drop: float
    """Mean of the first three blocks minus mean of the last three."""
    step_noise: float
    """Robust standard deviation of the change from one block to the next."""
    memory: float
    """Sum of the autoregressive coefficients of that noise, after the correction of its bias."""
    effective: float
    """The number of independent values that the blocks are worth."""
    blocks: int
    level: float
    """Median of the values."""
    by_noise: Floats
    """Changes that noise alone made in the resamples, ascending."""
    settled_noise: float
    """Standard deviation of the block means at most, by the second half of them alone; infinite where it has too few.

    A steep beginning that no curve fits looks like noise with a long memory; the second half does not know of it.
    """

    def interval(self, share: float) -> tuple[float, float]:
        """The interval of the change that holds `share` of the resamples."""
        low, high = np.quantile(self.by_noise, [(1 - share) / 2, (1 + share) / 2])
        return float(self.change - high), float(self.change - low)


@dataclass(frozen=True)
class Memory:
    """An autoregressive model of noise."""

    coefficients: Floats
    innovations: Floats
    sum: float


def trend(values: Floats, *, seed: int = 0) -> Trend | None:
    """The Theil-Sen change over the values with its interval; None below FEWEST_VALUES values."""
    if len(values) < FEWEST_VALUES:
        return None
    blocks = block_means(values, MOST_BLOCKS)
    n = len(blocks)
    slope = float(_slopes(blocks[None, :])[0])
    residual, removed = around_curve(blocks)
    memory = autoregression(residual, removed=removed)
    paths = simulated(memory, n, RESAMPLES, np.random.default_rng(seed))
    by_noise = np.sort(_slopes(paths)) * (n - 1)
    change = slope * (n - 1)
    low, high = np.quantile(by_noise, [0.02, 0.98])
    return Trend(
        change=change, low=float(change - high), high=float(change - low), by_noise=by_noise,
        noise=float(residual.std()), drop=float(blocks[:3].mean() - blocks[-3:].mean()),
        step_noise=robust_spread(np.diff(blocks)), memory=memory.sum, effective=n * (1 - memory.sum) / (1 + memory.sum),
        blocks=n, level=float(np.median(blocks)), settled_noise=_settled_noise(blocks[n // 2 :]),
    )  # fmt: skip


def _settled_noise(blocks: Floats) -> float:
    """The standard deviation of noise around a line, its memory two standard errors longer than it seems."""
    n = len(blocks)
    if n < FEWEST_VALUES:
        return math.inf
    basis = np.stack([np.ones(n), np.arange(n)], axis=1)
    memory = autoregression(blocks - basis @ np.linalg.lstsq(basis, blocks, rcond=None)[0], removed=2)
    seems = max(memory.sum, 0.0)
    longer = min(HIGHEST_MEMORY, seems + 2 * math.sqrt((1 - seems**2) / n))
    return float(memory.innovations.std() / math.sqrt(1 - longer**2))


def block_means(values: Floats, most: int) -> Floats:
    """At most `most` means of neighbouring values, equally many in each; the first few values over are left out."""
    size = -(-len(values) // most)
    count = len(values) // size
    used: Floats = values[len(values) - count * size :].reshape(count, size).mean(axis=1)
    return used


def autoregression(residual: Floats, *, removed: int, most: int = 3) -> Memory:
    """An AR model of up to `most` lags (least squares, Akaike), its memory corrected for the `removed` curve terms.

    Least squares underestimates the memory by about (k + (k + 2) * sum) / n where k terms were fitted before
    (Kendall 1954; Marriott and Pope 1954 for k = 1 and its kin).
    """
    n = len(residual)
    best: tuple[float, Floats, Floats] | None = None
    for lags in range(1, min(most, max(1, n // 10)) + 1):
        past = np.stack([residual[most - lag : n - lag] for lag in range(1, lags + 1)], axis=1)
        now = residual[most:]
        coefficients, *_ = np.linalg.lstsq(past, now, rcond=None)
        innovations = now - past @ coefficients
        criterion = len(now) * np.log(np.mean(innovations**2) + 1e-300) + 2 * lags
        if best is None or criterion < best[0]:
            best = (float(criterion), np.asarray(coefficients, dtype=np.float64), innovations)
    assert best is not None  # there is at least one lag
    _, coefficients, innovations = best
    total = float(coefficients.sum())
    wanted = min(HIGHEST_MEMORY, total + (removed + (removed + 2) * max(total, 0.0)) / n)
    innovations = innovations - innovations.mean()
    degrees = max(1, len(innovations) - removed - len(coefficients))
    return with_memory(Memory(coefficients, innovations * np.sqrt(len(innovations) / degrees), total), wanted)


def with_memory(memory: Memory, wanted: float) -> Memory:
    """The same innovations with another sum of the coefficients, changed in the first one and held stationary."""
    coefficients = memory.coefficients.copy()
    coefficients[0] += min(wanted, HIGHEST_MEMORY) - memory.sum
    coefficients = _stationary(coefficients)
    return Memory(coefficients, memory.innovations, float(coefficients.sum()))


def longer(memory: Memory, values: int) -> Memory:
    """The memory of noise estimated from `values` values, increased by half a standard error."""
    error = math.sqrt(max(1 - memory.sum**2, 0.05) / values)
    return with_memory(memory, memory.sum + 0.5 * error)


def _stationary(coefficients: Floats) -> Floats:
    for _ in range(60):
        roots = np.roots(np.concatenate([[1.0], -coefficients]))
        if not len(roots) or np.abs(roots).max() < 0.99:
            break
        coefficients = coefficients * 0.98
    return coefficients


def simulated(memory: Memory, length: int, count: int, rng: np.random.Generator) -> Floats:
    """Noise paths from the model with innovations drawn from those seen, shape (count, length)."""
    lags = len(memory.coefficients)
    warmup = int(min(400, 10 + 5 / max(1e-2, 1 - abs(memory.sum))))
    drawn = rng.choice(memory.innovations, size=(length + warmup, count))
    paths = np.zeros((length + warmup + lags, count))
    for index in range(length + warmup):
        recent = paths[index : index + lags][::-1]
        paths[index + lags] = memory.coefficients @ recent + drawn[index]
    return np.ascontiguousarray(paths[-length:].T)


def robust_spread(values: Floats) -> float:
    """Standard deviation from the median absolute deviation (times 1.4826, as for a normal distribution)."""
    if not len(values):
        return 0.0
    distance = values - np.median(values)
    np.abs(distance, out=distance)
    return float(1.4826 * np.median(distance, overwrite_input=True))


def _slopes(paths: Floats) -> Floats:
    """Theil-Sen slopes of the rows: the median slope of all pairs, shape (rows,)."""
    n = paths.shape[1]
    i, j = np.triu_indices(n, 1)
    distance = (j - i).astype(np.float64)
    slopes = np.empty(len(paths))
    for start in range(0, len(paths), 50):
        part = paths[start : start + 50]
        ratios = (part[:, j] - part[:, i]) / distance
        middle = ratios.shape[1] // 2
        slopes[start : start + 50] = np.partition(ratios, middle, axis=1)[:, middle]
    return slopes


def around_curve(values: Floats, *, bent: bool = False) -> tuple[Floats, int]:
    """What is left of n values around a curve of the shapes that losses take, outliers clipped, and its terms.

    The terms are level, line and logarithm; `bent` adds a square, for curves that turn.
    """
    x = np.linspace(0.0, 1.0, len(values))
    terms = [np.ones(len(values)), x, np.log1p(30 * x), *([x * x] if bent else [])]
    basis = np.stack(terms, axis=1)
    residual = values - basis @ np.linalg.lstsq(basis, values, rcond=None)[0]
    limit = 6 * robust_spread(residual)
    return (np.clip(residual, -limit, limit) if limit > 0 else residual), len(terms)


def goes_on(values: Floats, one_in: int) -> bool:
    """Whether more values are lower (or higher) than the previous one than in one of `one_in` random walks.

    A sign test of the steps, valid for walks of any step size; it accepts smooth curves, whose slow waves no other test
    can distinguish from noise.
    """
    steps = np.diff(values)
    count, most = int((steps != 0).sum()), int(max((steps > 0).sum(), (steps < 0).sum()))
    return count > 0 and one_in * sum(math.comb(count, k) for k in range(most, count + 1)) <= 2**count
