"""Scores to p-values and decisions, by held-out normal sessions alone: no label sets a threshold."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isang.detection.scores import Floats

TAIL_SHARE = 0.05
"""The tail beyond the highest calibration score is shaped by this share of the highest scores."""
MIN_TAIL = 5


class Decision(NamedTuple):
    """What was decided about one session."""

    p_value: float  # share of normal sessions that look at least this strange, corrected for the number of detectors
    score: float  # -log10 of the p-value; higher is stranger
    threshold: float  # same unit
    anomalous: bool


@dataclass(frozen=True)
class Tail:
    """The distribution of one detector's scores on held-out normal sessions."""

    ordered: Floats
    """Ascending, shape n."""
    scale: float
    """Mean excess in the upper tail, in units of the score."""

    def p_values(self, scores: Floats) -> Floats:
        """The share of normal sessions that score at least this high, shape as `scores`.

        Up to the highest calibration score these are conformal p-values, (1 + number of calibration scores >= s) /
        (n + 1) (Vovk, Gammerman and Shafer 2005). Beyond it an exponential tail goes on from 1 / (n + 1): that part is
        extrapolated, not guaranteed.
        """
        n = len(self.ordered)
        at_least = n - np.searchsorted(self.ordered, scores, side="left")
        beyond = np.maximum(0.0, scores - self.ordered[-1])
        p_values: Floats = (1 + at_least) / (n + 1) * np.exp(-np.minimum(beyond / self.scale, 700.0))
        return p_values


def fit_tail(scores: Floats, resolution: float) -> Tail:
    """The tail of calibration scores; `resolution` is the detector's smallest meaningful difference."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    k = min(len(ordered) - 1, max(MIN_TAIL, math.ceil(TAIL_SHARE * len(ordered))))
    excess = float((ordered[-k:] - ordered[-k - 1]).mean()) if k > 0 else 0.0
    return Tail(ordered, max(excess, resolution / 4))


def combine(p_values_DS: Floats) -> Floats:
    """One p-value per session from those of D detectors: D times the smallest (Bonferroni), shape S."""
    smallest: Floats = np.minimum(1.0, len(p_values_DS) * p_values_DS.min(axis=0))
    return smallest


def decide(p_values: Floats, alerts_per_thousand: float) -> list[Decision]:
    """A session is anomalous where its p-value is within the alert budget."""
    budget = alerts_per_thousand / 1000
    threshold = -math.log10(budget)
    return [Decision(float(p), -math.log10(max(float(p), 1e-300)), threshold, bool(p <= budget)) for p in p_values]


def attainable_per_thousand(calibration_sessions: int, detectors: int) -> float:
    """The lowest alert budget that this many calibration sessions support without extrapolation."""
    return 1000 * detectors / (calibration_sessions + 1)
