"""Is a loss flat within each epoch, and does it drop at the first step of the next one?

A model that has begun to know its training examples by heart shows it so: within an epoch every example is new since
the last time, and with the next epoch all of them have been seen once more.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isang.runs.read.table import Floats
from isang.runs.statistics.noise import robust_spread

FEWEST_IN_EPOCH = 10
FEWEST_EPOCHS = 3
SIDE = 0.2
"""Part of an epoch, at most MOST_SIDE losses, whose mean is the level at its beginning or end."""
MOST_SIDE = 50
SURE = 4.0
"""Standard errors that a drop must have."""
LEAST_DROP = 0.05
"""All drops together, in parts of the loss at the first of them."""
STEEPER = 1.5
"""The drops must take this many times what falls within the epochs."""


@dataclass(frozen=True)
class Staircase:
    """Drops at the starts of epochs, in the unit of the loss."""

    drops: tuple[float, ...]
    within: float
    """What the loss falls within the epochs after the first, all together."""


def staircase(epochs: Sequence[Floats]) -> Staircase | None:
    """The drops between E epochs, each with its losses in order; None where the loss does not go down in steps."""
    if len(epochs) < FEWEST_EPOCHS or min(len(losses) for losses in epochs) < FEWEST_IN_EPOCH:
        return None
    drops, errors, within = [], [], 0.0
    for before, after in itertools.pairwise(epochs):
        end, _, end_error = _edge(before, at_end=True)
        start, count, start_error = _edge(after, at_end=False)
        drops.append(end - start)
        errors.append(float(np.hypot(end_error, start_error)))
        within += max(start - _edge(after[count:], at_end=True)[0], 0.0) if len(after) > 2 * count else 0.0
    sure = np.array(drops) > SURE * np.array(errors)
    level = abs(_edge(epochs[0], at_end=True)[0])
    if sure.mean() < 0.6 or sum(drops) < max(LEAST_DROP * level, STEEPER * within):
        return None
    return Staircase(tuple(drops), within)


def _edge(losses: Floats, *, at_end: bool) -> tuple[float, int, float]:
    """Mean of the losses at one end of an epoch, how many they are, and the standard error of the mean."""
    count = min(max(int(SIDE * len(losses)), 5), MOST_SIDE)
    part = losses[-count:] if at_end else losses[:count]
    noise = robust_spread(np.diff(losses)) / 2**0.5
    return float(part.mean()), count, float(noise / max(len(part), 1) ** 0.5)
