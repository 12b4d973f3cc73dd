"""Divides the alert budget among the detectors by how many planted anomalies each of them finds.

Shapes: D detectors, N sessions with a planted anomaly of one kind.
"""

from collections.abc import Sequence

import numpy as np

from isang.detection.threshold.calibration import ScoreTail, limits
from isang.model.batches import Floats

LEAST_SHARE = 0.5
"""Minimum share of a detector, relative to an equal share: real anomalies may differ from planted ones."""
WORTHWHILE = 0.02
"""Minimum share of planted anomalies found in addition for a move of shares; each kind has equal weight."""
AMOUNTS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Amounts moved at a time, in equal shares."""


def budget_shares(planted: Sequence[Floats], tails: Sequence[ScoreTail], asked: float, number: float) -> Floats:
    """Each detector's share of the budget `asked`, in units of an equal share; shape D, with mean 1.

    `planted` holds the p-values of sessions with a planted anomaly, (D, N) for each kind; `number` as in `limits`.
    Starting from equal shares, the detector that finds the most additional anomalies per share gets it from all the
    others, in proportion to what they have above LEAST_SHARE, until no move is worthwhile.
    """
    shares_D = np.ones(len(tails))
    kinds = [p_values_DN for p_values_DN in planted if p_values_DN.size]
    if not kinds:
        return shares_D

    def found(shares_D: Floats) -> float:
        limits_D1 = limits(tails, asked, number, shares_D)[:, None]
        return float(np.mean([(p_values_DN <= limits_D1).any(axis=0).mean() for p_values_DN in kinds]))

    present = found(shares_D)
    while True:
        moves = [(amount, move) for amount in AMOUNTS for move in _moves(shares_D, amount)]
        gains = np.array([found(move) - present for _, move in moves])
        per_share = np.where(gains >= WORTHWHILE, gains / [amount for amount, _ in moves], 0.0)
        if not per_share.any():
            return shares_D
        best = int(per_share.argmax())
        shares_D, present = moves[best][1], present + gains[best]


def _moves(shares_D: Floats, amount: float) -> list[Floats]:
    """The shares after each detector in turn got `amount` from the others, as far as they have enough."""
    moves = []
    for detector in range(len(shares_D)):
        spare_D = shares_D - LEAST_SHARE
        spare_D[detector] = 0
        if spare_D.sum() >= amount:
            moved_D = shares_D - amount * spare_D / spare_D.sum()
            moved_D[detector] += amount
            moves.append(moved_D)
    return moves
