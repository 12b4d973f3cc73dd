"""Where a learning rate changes at once: drops of a step schedule, cuts on a plateau, restarts."""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from isang.runs.read.table import Floats, Integers

FACTOR = 1.5
"""A change from one logged rate to the next by this factor, up or down, can be a sudden one."""
APART = 5.0
"""It must also be this many times the typical change around it: a smooth decay has large factors near its end."""
AROUND = 5
"""Changes on either side that are looked at."""


def sudden_changes(steps: Integers | Floats, rates: Floats) -> Integers:
    """The steps from which a new rate holds, ascending; `steps` and `rates` have shape n."""
    if len(rates) < 3:
        return np.zeros(0, dtype=np.int64)
    size = np.abs(np.diff(rates))
    lower, higher = np.minimum(rates[1:], rates[:-1]), np.maximum(rates[1:], rates[:-1])
    by_factor = (higher > 0) & (lower * FACTOR <= higher)
    padded = np.concatenate([np.full(AROUND, np.nan), size, np.full(AROUND, np.nan)])
    around = sliding_window_view(padded, 2 * AROUND + 1)[by_factor]
    typical = np.array([_median_without_middle(window) for window in around])
    found = np.flatnonzero(by_factor)[size[by_factor] > APART * typical]
    return np.asarray(steps[found + 1], dtype=np.int64)


def _median_without_middle(window: Floats) -> float:
    others = np.delete(window, AROUND)
    known = others[~np.isnan(others)]
    return float(np.median(known)) if len(known) else math.inf
