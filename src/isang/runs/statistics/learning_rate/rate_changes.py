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
SMOOTH = 12
"""More changes in a row than this, one way and at like distances, are a decay whose rate is set once per epoch."""


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
    found = np.setdiff1d(found, _of_a_decay(np.diff(rates)), assume_unique=True)
    return np.asarray(steps[found + 1], dtype=np.int64)


def _of_a_decay(changes: Floats) -> Integers:
    """Positions of the changes that belong to a smooth decay whose rate is held for several rows at a time."""
    places = np.flatnonzero(changes)
    if len(places) <= SMOOTH:
        return places[:0]
    held = np.diff(places)
    alike = (held[1:] <= 2 * held[:-1]) & (held[:-1] <= 2 * held[1:])
    one_way = np.sign(changes[places[1:]]) == np.sign(changes[places[:-1]])
    going_on = one_way & np.append(True, alike)
    chains = np.split(places, np.flatnonzero(~going_on) + 1)
    return np.concatenate([places[:0], *(_near_their_size(changes, chain) for chain in chains if len(chain) > SMOOTH)])


def _near_their_size(changes: Floats, chain: Integers) -> Integers:
    """The changes of a chain that are no larger than those next to them: a drop in the middle of a decay is sudden."""
    size = np.abs(changes[chain])
    padded = np.concatenate([np.full(AROUND, np.nan), size, np.full(AROUND, np.nan)])
    typical = [_median_without_middle(window) for window in sliding_window_view(padded, 2 * AROUND + 1)]
    return chain[size <= APART * np.array(typical)]


def _median_without_middle(window: Floats) -> float:
    others = np.delete(window, AROUND)
    known = others[~np.isnan(others)]
    return float(np.median(known)) if len(known) else math.inf
