"""Fewer points for a picture: the extremes of every stretch, and every point that someone asked for."""

import itertools
from collections.abc import Iterable

import numpy as np

from isang.runs.read.table import Floats, Integers


def thin(step: Integers, values: Floats, most: int, keep: Iterable[int] = ()) -> Integers:
    """Ascending row numbers of about `most` of the N points (step ascending, values finite), for drawing as a line.

    The range of the steps is divided into `most / 2` equal stretches; the lowest and the highest point of each are
    kept,
    so that the line covers the same pixels as the full one. The first and the last point are kept, and for each step in
    `keep` the point at that step (or the nearest one). All points are kept if there are at most `most`.
    """
    count = len(step)
    if count <= most:
        return np.arange(count)
    stretches = max(1, most // 2)
    span = max(1, int(step[-1]) - int(step[0]))
    borders = [int(step[0]) - (-number * span // stretches) for number in range(1, stretches)]
    bounds = np.unique(np.concatenate([[0], np.searchsorted(step, np.array(borders, dtype=np.int64)), [count]]))
    kept = [nearest(step, keep), np.array([0, count - 1])]
    for first, end in itertools.pairwise(bounds.tolist()):
        part = values[first:end]
        lowest, highest = int(part.argmin()), len(part) - 1 - int(part[::-1].argmax())
        kept.append(np.array([first + lowest, first + highest]))
    return np.unique(np.concatenate(kept)).astype(np.int64)


def nearest(step: Integers, wanted: Iterable[int]) -> Integers:
    """For each wanted step the row whose step is nearest (the earlier of two); `step` is ascending and not empty."""
    asked = np.asarray(list(wanted), dtype=np.int64)
    if len(asked) == 0:
        return asked
    after = np.clip(np.searchsorted(step, asked), 0, len(step) - 1)
    before = np.maximum(after - 1, 0)
    return np.where(np.abs(step[before] - asked) <= np.abs(step[after] - asked), before, after).astype(np.int64)
