"""How the detectors share the alert budget: by what each of them finds of anomalies that isang planted itself.

Shapes: D detectors, N sessions with a planted anomaly of one kind.
"""

from collections.abc import Sequence

import numpy as np

from isang.detection.threshold.calibration import ScoreTail, limits
from isang.model.batches import Floats

LEAST_SHARE = 0.5
"""No detector gets less than this part of an equal share: what was planted is not all that can happen."""
WORTHWHILE = 0.02
"""Shares move only where so large a share of what was planted is found in addition, each kind counting the same."""
AMOUNTS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""So many equal shares are moved at a time."""


def budget_shares(planted: Sequence[Floats], tails: Sequence[ScoreTail], asked: float, number: float) -> Floats:
    """What each detector gets of the budget `asked`, in units of an equal share; shape D, with the mean 1.

    `planted` holds the p-values of sessions with a planted anomaly, (D, N) for each kind; `number` as in `limits`. From
    equal shares on, whichever detector finds the most in addition for what it gets is given it by all the others, in
    proportion to what they have above LEAST_SHARE, until no move is worthwhile.
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
    """The shares after each detector in turn got `amount` from the others, where they have so much to give."""
    moves = []
    for detector in range(len(shares_D)):
        spare_D = shares_D - LEAST_SHARE
        spare_D[detector] = 0
        if spare_D.sum() >= amount:
            moved_D = shares_D - amount * spare_D / spare_D.sum()
            moved_D[detector] += amount
            moves.append(moved_D)
    return moves
