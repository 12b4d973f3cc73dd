"""How far a validation loss rises after its best, and what its noise explains."""

from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import Floats
from isang.runs.statistics.noise import (
    autoregression,
    block_means,
    goes_on,
    longer,
    robust_spread,
    simulated,
)  # fmt: skip
from isang.runs.statistics.trend_break import valley

FEWEST_VALIDATIONS = 8
MOST_VALUES = 120
"""More validation losses than this are judged as means of neighbours."""
FALSE_ALARMS = 0.05
"""Share of flat noise, of the memory that it seems to have, that rises as much; longer waves are ruled out after it."""
LEAST_RATIO = 14.0
"""Minimum likelihood ratio of curves with a rise to slow waves of the noise; see `Valley`."""
FEW = 3.0
"""The ratio of n values must be 1 + FEW / n times as large: ratios of few values have a longer tail (Bartlett 1937)."""
RISES_IN_A_ROW = 6
"""Number of consecutive values, each higher than the previous one: a random walk ends like this once in 64 times. Among
more values, enough must rise to be as rare."""
DROP = 6.0
"""A fall within two validations by this many typical changes is sudden."""
DROP_SIDE = 5
"""Number of values on either side whose medians show whether a fall lasts."""
FEWEST_AFTER_DROP = 20


@dataclass(frozen=True)
class Rise:
    """What a validation loss does after its best, in its own unit."""

    best: int
    """Position of the best value."""
    size: float
    """The last level over the lowest one."""
    lowest: float
    """The lowest level."""
    threshold: float
    """What the noise explains, were its memory what it seems to be."""
    noise: float
    """Standard deviation of the noise."""
    likelihood_ratio: float
    """How much likelier a curve with a rise is than noise of any memory without one; see `Valley`."""
    least_ratio: float
    """How much likelier it must be."""
    rises_on: bool
    """The values after the best rise again and again, RISES_IN_A_ROW times at least."""


def rise_after_best(values: Floats) -> Rise:
    """The rise after the best of k validation losses, and what noise does; k at least FEWEST_VALIDATIONS.

    The rise is the mean of the last w values over the mean of the w values around the best, w about an eighth of them.
    The threshold is its quantile in flat noise with the spread and memory of the values around their own curve; the
    flat curve is the worst case, as a best value is picked from all of it.
    """
    start = after_drops(values)
    values = values[start:]
    few = block_means(values, MOST_VALUES)
    k = len(few)
    width = max(1, k // 8)
    means = np.convolve(few, np.ones(width) / width, mode="valid")
    lowest = int(np.argmin(means))
    size = len(values) // k
    first = len(values) - size * k + size * lowest
    best = first + int(np.argmin(values[first : first + size * width]))
    shape = valley(after_descent(few))
    limit = 6 * robust_spread(shape.residual)
    residual = np.clip(shape.residual, -limit, limit) if limit > 0 else shape.residual
    removed = min(shape.terms, len(residual) - 3)
    memory = longer(autoregression(residual, removed=removed, most=3 if len(residual) >= 30 else 1), len(residual))
    paths = simulated(memory, k, 600, np.random.default_rng(0))
    total = np.cumsum(np.concatenate([np.zeros((600, 1)), paths], axis=1), axis=1)
    moving = (total[:, width:] - total[:, :-width]) / width
    threshold = float(np.quantile(moving[:, -1] - moving.min(axis=1), 1 - FALSE_ALARMS))
    if k < 30:  # the noise itself is estimated from few values
        threshold *= 1 + 3 / k
    noise = float(np.sqrt(np.sum(residual**2) / max(len(residual) - removed, 1)))
    return Rise(
        best=start + best,
        size=float(means[-1] - means[lowest]),
        lowest=float(means[lowest]),
        threshold=max(threshold, 1e-12),
        noise=noise,
        likelihood_ratio=shape.likelihood_ratio,
        least_ratio=LEAST_RATIO * (1 + FEW / k),
        rises_on=_rises_on_and_on(few),
    )


def _rises_on_and_on(values: Floats) -> bool:
    """Whether as many values after the best are higher than the previous one as in only one of 64 random walks."""
    after = values[int(np.argmin(values)) :]
    return int((np.diff(after) > 0).sum()) >= RISES_IN_A_ROW and goes_on(after, 2**RISES_IN_A_ROW)


def after_drops(values: Floats) -> int:
    """Index at which the level after the last sudden drop begins, 0 if there is none; rate cuts cause such drops.

    At least FEWEST_AFTER_DROP values follow it, and no value before it is lower than the lowest of them.
    """
    start = 0
    while len(left := values[start:]) >= FEWEST_AFTER_DROP + DROP_SIDE:
        falls = (left[:-2] - left[2:])[: len(left) - FEWEST_AFTER_DROP - 1]
        last = int(np.argmax(falls))  # the last value before the drop
        fall = float(falls[last])
        place = last + 1 if left[last] - left[last + 1] > fall / 2 else last + 2
        before, after = left[max(0, place - DROP_SIDE) : last + 1], left[place : place + DROP_SIDE]
        sudden = fall > DROP * 1.4826 * np.median(np.abs(np.diff(left)))
        lasting = np.median(before) - np.median(after) > fall / 2 and left[place:].min() <= left[:place].min()
        if not (sudden and lasting):
            break
        start += place
    return start


def after_descent(values: Floats) -> Floats:
    """The values from where four fifths of the first descent are done, where there was one; at least half of them."""
    lowest, noise = values.min(), robust_spread(np.diff(values))
    if values[0] - lowest < 10 * noise:
        return values
    start = int(np.argmax(values <= lowest + 0.2 * (values[0] - lowest)))
    return values[min(start, len(values) // 2) :] if len(values) >= 20 else values
