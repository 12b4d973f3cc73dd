"""Does a series jump to a higher level and stay there to its end?"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from isang.runs.read.table import Floats
from isang.runs.statistics.noise import robust_spread

MOST_BLOCKS = 400
SIDE = 5
"""Blocks whose median is the level on either side of a jump."""
SUDDEN = 8.0
"""A jump of this many typical changes from one block to the next; noise that wanders does so in small steps."""
WITHIN = 2
"""Blocks that a jump may take."""
FEWEST_AFTER, PART_AFTER = 20, 0.04
"""Minimum number, and fraction of all values, at the new level: a heavy tail can jump as far for a while."""


@dataclass(frozen=True)
class LevelShift:
    """A jump up that lasts to the end of n values."""

    position: int
    """Of the first value at the new level."""
    before: float
    after: float
    """The levels: medians of the values before and after the jump."""


def level_shift(values: Floats) -> LevelShift | None:
    """The highest jump in n values that is never reversed by more than half; None if there is none."""
    n = len(values)
    size = -(-n // MOST_BLOCKS)
    cut = n % size
    blocks = np.median(values[cut:].reshape(-1, size), axis=1)
    least = max(SIDE, -(-max(FEWEST_AFTER, int(PART_AFTER * n)) // size))
    if len(blocks) < least + SIDE + 2:
        return None
    typical = robust_spread(np.diff(blocks))
    levels = np.median(sliding_window_view(blocks, SIDE), axis=1)  # of the blocks from i to before i + SIDE
    later = np.minimum.accumulate(levels[::-1])[::-1]
    starts = np.arange(SIDE, len(blocks) - least + 1)
    rises = later[starts] - levels[starts - SIDE]
    ahead = np.append(blocks, np.full(WITHIN, blocks[-1]))
    sudden = np.max([ahead[starts + step] for step in range(WITHIN)], axis=0) - blocks[starts - 1]
    rises[(sudden < SUDDEN * typical) | (sudden < rises / 2)] = 0.0
    best = int(np.argmax(rises))
    if rises[best] <= SUDDEN * typical / 2 or rises[best] <= 0:
        return None
    start = int(starts[best])
    before, after = float(levels[start - SIDE]), float(np.median(blocks[start + 1 :]))
    if later[start] < before + (after - before) / 2:
        return None
    near = cut + (start - 1) * size
    higher = values[near : near + 3 * size] > before + (after - before) / 2
    runs = np.flatnonzero(higher & np.append(higher[1:], True))
    return LevelShift(near + (int(runs[0]) if len(runs) else size), before, after)
