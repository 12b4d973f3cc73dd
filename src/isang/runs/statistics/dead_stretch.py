"""Does a series end in one value that never changes again, or repeat itself? Then nothing is learned from it."""

from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import Floats
from isang.runs.statistics.noise import robust_spread

FEWEST = 10
"""Equal values at the end that count, and values that a series needs."""
NEAR = 10
"""Values before the stretch that show what the series was like."""
COARSE = 20.0
"""A jump of more than this many units of the last printed digit is not rounding; smaller ones occur in small losses."""
NOISY = 3.0
"""Noise of this many printed digits does not vanish by rounding."""
JUMP_OF_RANGE = 0.01
"""A jump counts from this part of the range of the values before it."""
LONGER = 3
"""The stretch must be this many times as long as any before it: hinge losses are 0 now and then."""


FEWEST_PERIODS = 3
MOST_VALUES = 20_000
"""Of a longer series the end is looked at."""
MOST_PERIODS = 100
"""Periods that are tried, the shortest first."""
SAME = 0.98
"""Part of the values that are exactly those of one period before."""


@dataclass(frozen=True)
class DeadStretch:
    """Equal values from position `first` to the end of n values."""

    first: int
    count: int
    value: float


def dead_stretch(values: Floats) -> DeadStretch | None:
    """The stretch of equal values at the end of n finite values, None where they vary or came to rest gradually.

    A loss that has been learned comes down to its last printed digit step by step. One that breaks down jumps there,
    or loses the noise that it had just before.
    """
    n = len(values)
    if n < FEWEST:
        return None
    other = np.flatnonzero(values != values[-1])
    first = int(other[-1]) + 1 if len(other) else 0
    found = DeadStretch(first, n - first, float(values[-1]))
    if not first:
        return found
    if found.count < FEWEST or not _is_new(values, found):
        return None
    return found if _is_sudden(values[:first], found.value) else None


def _is_new(values: Floats, found: DeadStretch) -> bool:
    """Nothing like it came before: neither a long stretch of one value nor this value now and then."""
    before = values[: found.first]
    edges = np.flatnonzero(np.diff(before, prepend=np.nan, append=np.nan) != 0)
    longest = int(np.diff(edges).max()) if len(edges) > 1 else len(before)
    recent = before[-found.count :]
    return found.count > LONGER * longest and float(np.mean(recent == found.value)) < 0.2


def _digit(values: Floats) -> float:
    """The last decimal place that a few values are printed with."""
    for places in range(10):
        scaled = values * 10.0**places
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(np.abs(scaled), 1)):
            return float(10.0**-places)
    return 0.0


def _is_sudden(before: Floats, value: float) -> bool:
    near = before[-NEAR:]
    steps = np.abs(np.diff(before[-5_000:]))
    steps = steps[steps > 0]
    digit = float(steps.min()) if len(before) >= NEAR and len(steps) else _digit(before)
    gap = abs(float(np.median(near[-5:])) - value)
    lowest, highest = np.quantile(before, [0.02, 0.98])
    spread = max(float(highest), value) - min(float(lowest), value)
    if gap > max(COARSE * digit, JUMP_OF_RANGE * spread):
        return True
    noise = robust_spread(np.diff(near)) if len(near) >= NEAR else 0.0
    return noise > NOISY * digit and noise > JUMP_OF_RANGE * spread


def repetition(values: Floats) -> int | None:
    """The period with which n values repeat exactly to the end, None where they do not or are all the same.

    Batches in the same order that have the same loss in each epoch: the weights do not move.
    """
    end = values[-MOST_VALUES:]
    n = len(end)
    if n < FEWEST:
        return None
    last = end[-1]
    for period in (n - 1 - np.flatnonzero(end[:-1] == last)[::-1])[:MOST_PERIODS]:
        if FEWEST_PERIODS * period > n:
            return None
        if period > 1 and (end[period:] == end[:-period]).mean() >= SAME and len(np.unique(end[-period:])) > period / 2:
            return int(period)
    return None
