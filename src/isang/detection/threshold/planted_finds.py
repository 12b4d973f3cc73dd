"""Detectors that find hardly any planted anomalies, or only those that others find too.

Shapes: D detectors, N sessions with a planted anomaly of one kind.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from isang.detection.threshold.calibration import ScoreTail
from isang.model.batches import Floats

LEAST_POWER = 0.02
"""Minimum share of planted anomalies found by a detector with power; each kind has equal weight."""
LEAST_FOUND = 100
"""Minimum number of finds to conclude that others find everything that a detector finds: then hardly more than 3 in 100
of its finds are its own (the rule of three)."""


def with_power(planted: Sequence[Floats], limits_D: Floats, tested_D: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which detectors find some planted anomalies, shape D; detectors without a planted test count as powerful.

    `planted` holds p-values, (D, N) for each kind.
    """
    found = [(p_values_DN <= limits_D[:, None]).mean(axis=1) for p_values_DN in planted if p_values_DN.size]
    if not found:
        return np.ones(len(limits_D), dtype=bool)
    powerful: NDArray[np.bool_] = ~tested_D | (np.mean(found, axis=0) >= LEAST_POWER)
    return powerful


def needed(
    planted: Sequence[Floats], limits_D: Floats, tested_D: NDArray[np.bool_], tails: Sequence[ScoreTail]
) -> NDArray[np.bool_]:
    """Which detectors find planted anomalies that the others miss; the rest would only add false alarms. Shape D.

    A detector is dropped if the remaining ones find every session that it finds. Those whose tails rest on the fewest
    sessions are tried first, then those that find the least.
    """
    found = [p_values_DN <= limits_D[:, None] for p_values_DN in planted]
    found_DN = np.concatenate([np.zeros((len(limits_D), 0), dtype=bool), *found], axis=1)
    finds_D, needed_D = found_DN.sum(axis=1), np.ones(len(limits_D), dtype=bool)
    known_D = [len(tail.ordered) for tail in tails]
    for detector in sorted(range(len(limits_D)), key=lambda number: (known_D[number], finds_D[number])):
        if not tested_D[detector] or finds_D[detector] < LEAST_FOUND:
            continue
        others_D = needed_D.copy()
        others_D[detector] = False
        if found_DN[:, found_DN[detector]][others_D].any(axis=0).all():
            needed_D = others_D
    return needed_D
