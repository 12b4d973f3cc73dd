"""Scores to p-values and decisions, by held-out normal sessions alone: no label sets a threshold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from isang.detection.surprise import Floats

TAIL_SHARE = 0.05
"""The tail beyond the highest calibration score is shaped by this share of the highest scores."""
MIN_TAIL = 5
TRUSTED_SCALES = 2.0
"""The tail is trusted so many scales beyond the highest calibration score: for what is 7 times rarer."""


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
    allowance: float
    """Later sessions may score so much higher than those of the calibration period, in units of the score."""

    def p_values(self, scores: Floats) -> Floats:
        """The share of normal sessions that score at least this high, shape as `scores`.

        Up to the highest calibration score these are conformal p-values, (1 + number of calibration scores >= s) /
        (n + 1) (Vovk, Gammerman and Shafer 2005), of scores lowered by the allowance. Beyond it an exponential tail
        goes on from 1 / (n + 1): that part is extrapolated, not guaranteed.
        """
        n = len(self.ordered)
        lowered = scores - self.allowance
        at_least = n - np.searchsorted(self.ordered, lowered, side="left")
        beyond = np.maximum(0.0, lowered - self.ordered[-1])
        p_values: Floats = (1 + at_least) / (n + 1) * np.exp(-np.minimum(beyond / self.scale, 700.0))
        return p_values

    def share(self, asked: float) -> float:
        """The share of normal sessions within which a p-value is an alert, where `asked` of them may be.

        With few calibration sessions it is more than asked: what was never nearly seen among them is an alert, however
        few they are.
        """
        return max(asked, math.exp(-TRUSTED_SCALES) / (len(self.ordered) + 1))


def fit_tail(scores: Floats, least_scale: float, allowance: float = 0.0) -> Tail:
    """The tail of calibration scores, whose scale is `least_scale` or more; all in units of the score."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    k = min(len(ordered) - 1, max(MIN_TAIL, math.ceil(TAIL_SHARE * len(ordered))))
    excess = float((ordered[-k:] - ordered[-k - 1]).mean()) if k > 0 else 0.0
    return Tail(ordered, max(excess, least_scale), allowance)


def combine(p_values_DS: Floats, tails: Sequence[Tail], asked: float) -> Floats:
    """One p-value per session from those of D detectors, shape S: D times the smallest (Bonferroni).

    A detector whose share is more than its part of the `asked` share has its p-values lowered in proportion, so that
    the result is within `asked` where any detector's p-value is within its share.
    """
    part = asked / len(tails)
    weights_D = np.array([asked / tail.share(part) for tail in tails])
    smallest: Floats = np.minimum(1.0, (p_values_DS * weights_D[:, None]).min(axis=0))
    return smallest


def decide(p_values: Floats, alerts_per_thousand: float) -> list[Decision]:
    """A session is anomalous where its p-value is within the alert budget."""
    budget = alerts_per_thousand / 1000
    threshold = -math.log10(budget)
    return [Decision(float(p), -math.log10(max(float(p), 1e-300)), threshold, bool(p <= budget)) for p in p_values]


def attainable_per_thousand(calibration_sessions: int, detectors: int) -> float:
    """The lowest alert budget that this many calibration sessions support without extrapolation."""
    return 1000 * detectors / (calibration_sessions + 1)
