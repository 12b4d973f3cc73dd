"""Lines that stand elsewhere than in good logs."""

from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from isang.detection.comparison.differences import Difference
from isang.detection.comparison.families import Families

FAR = 5.0
"""A line that moved by fewer positions is ignored."""


def order_differences(families: Families, good: int) -> list[Difference]:
    """Lines that occur once in each run, and in the last one far from their position in the good ones.

    Those not in the longest common order were moved. The number moved between good runs, plus one, is expected by
    chance; FAR positions count as much as one line.
    """
    once_F = np.flatnonzero((families.counts_FR == 1).all(axis=1))
    if good < 2 or len(once_F) < 2:  # a single good log does not show which lines have no fixed order
        return []
    ranks_RF = np.argsort(np.argsort(families.first_FR[once_F], axis=0), axis=0).T
    moved_by = _moved(ranks_RF[0], ranks_RF[good])
    usual = np.max([_moved(ranks_RF[0], ranks) for ranks in ranks_RF[:good]], axis=0)
    by_chance = (1.0 + (usual > 0).sum()) / max(1, good)
    found = []
    for place in np.flatnonzero((moved_by > 0) & (usual == 0)).tolist():
        family = int(once_F[place])
        record = int(families.first_FR[family, good])
        found.append(Difference("out_of_order", family, 1, 1.0, float(by_chance * FAR / moved_by[place]), record))
    return found


def _moved(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many places each moved; 0 for those whose order both share (longest increasing subsequence)."""
    order = np.argsort(one)
    sequence = other[order].tolist()
    tails: list[int] = []
    length_at = []
    for value in sequence:
        at = bisect_left(tails, value)
        tails[at : at + 1] = [value]
        length_at.append(at)
    kept, wanted = set(), len(tails) - 1
    for place in range(len(sequence) - 1, -1, -1):
        if length_at[place] == wanted:
            kept.add(place)
            wanted -= 1
    moved: NDArray[np.int64] = np.abs(one - other)
    moved[order[sorted(kept)]] = 0
    return moved
