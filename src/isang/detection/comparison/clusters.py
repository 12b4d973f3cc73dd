"""Differences of one cause: those whose lines stand close in the log."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isang.detection.comparison.differences import Difference, Expected
from isang.detection.comparison.families import Families

BY_CHANCE = 0.05
"""Probability that another difference is by chance within the number of lines that joins differences."""
MOST_LINES = 100
LEAST_LINES = 5


@dataclass(frozen=True)
class Cluster:
    """Differences of one kind whose first lines stand close to each other."""

    kind: str
    differences: tuple[Difference, ...]
    """What says most first."""
    loudness: int
    lines: float
    by_chance: float


def clusters_of(
    differences: Sequence[Difference], families: Families, expected: Expected, shown_in: NDArray[np.int64], records: int
) -> list[Cluster]:
    """Groups new and missing families by the positions of their first lines; those that differ in number stay alone.

    `shown_in`: for each family the record where it is seen, in the bad log or, if missing, in a good one; `records`:
    number of records of the bad log.
    """
    found = [_cluster((difference,), families, expected) for difference in differences if _alone(difference)]
    by_chance = float(expected.new_by_loudness.sum()) or 1.0
    near = int(np.clip(BY_CHANCE * records / by_chance, LEAST_LINES, MOST_LINES))
    for kind in ("new", "missing"):
        placed = sorted((d for d in differences if d.kind == kind), key=lambda d: int(shown_in[d.family]))
        group: list[Difference] = []
        for difference in placed:
            if group and shown_in[difference.family] - shown_in[group[-1].family] > near:
                found.append(_cluster(tuple(group), families, expected))
                group = []
            group.append(difference)
        if group:
            found.append(_cluster(tuple(group), families, expected))
    return found


def _alone(difference: Difference) -> bool:
    return difference.kind not in ("new", "missing")


def _cluster(group: tuple[Difference, ...], families: Families, expected: Expected) -> Cluster:
    """The differences together: as many lines of such a class, or of a louder one, as all of them have."""
    kind = group[0].kind
    loud = {difference.family: int(families.loudness_F[difference.family]) for difference in group}
    if kind == "new":
        ordered = tuple(sorted(group, key=lambda d: (-loud[d.family], d.by_chance)))
        chances = []
        for least in sorted(set(loud.values())):
            lines = sum(d.lines for d in group if loud[d.family] >= least and not d.before)
            chances.append(float(expected.new_by_loudness[least:].sum()) / max(1, lines))
        top = loud[ordered[0].family]
        return Cluster(kind, ordered, top, sum(d.lines for d in group), min(chances))
    if kind == "missing":
        usual = sum(d.usual for d in group)
        ordered = tuple(sorted(group, key=lambda d: d.by_chance))
        return Cluster(kind, ordered, 0, usual, expected.missing / max(1.0, usual))
    (only,) = group
    return Cluster(kind, group, loud[only.family] if kind == "too_many" else 0, only.lines, only.by_chance)
