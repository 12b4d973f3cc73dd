"""Scores to p-values and decisions, by held-out normal sessions alone: no label sets a threshold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from isang.detection.metrics import wilson
from isang.detection.surprise import Floats

TAIL_SHARE = 0.05
"""The tail beyond the highest calibration score is shaped by this share of the highest scores."""
MIN_TAIL = 5
SPEAKING_SHARE = 0.05
"""How often detectors speak for the same sessions is seen where each may speak for this share of them."""


class Decision(NamedTuple):
    """What was decided about one session."""

    p_value: float  # share of normal sessions that look at least this strange, corrected for that of the detectors
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
    excesses: int
    """So many scores of the upper tail gave the scale."""
    allowance: float
    """Later sessions may score so much higher than those of the calibration period, in units of the score."""

    def p_values(self, scores: Floats) -> Floats:
        """The share of normal sessions that score at least this high, shape as `scores`.

        Up to the highest calibration score these are conformal p-values, (1 + number of calibration scores >= s) /
        (n + 1) (Vovk, Gammerman and Shafer 2005), of scores lowered by the allowance. Beyond it a tail goes on from
        1 / (n + 1): that part is extrapolated, not guaranteed. An exponential excess is more than x scales with
        probability (1 + x / k)^-k where k others gave the scale (the F distribution with 2 and 2 k degrees of freedom):
        a scale known from few sessions makes a long tail.
        """
        n = len(self.ordered)
        lowered = scores - self.allowance
        at_least = n - np.searchsorted(self.ordered, lowered, side="left")
        beyond = np.maximum(0.0, lowered - self.ordered[-1])
        p_values: Floats = (1 + at_least) / (n + 1) * self._rarer(beyond / self.scale)
        return p_values

    def share(self, asked: float) -> float:
        """The share of normal sessions within which a p-value is an alert, where `asked` of them may be.

        With few calibration sessions it is more than asked: what was never nearly seen among them is an alert, however
        few they are. The scale is known to within a share of 1 / sqrt(k), so the tail is trusted about sqrt(k) scales
        beyond the highest calibration score; farther out it would be off by more than a scale.
        """
        trusted = self._rarer(np.sqrt([self.excesses - 1.0]))
        return max(asked, float(trusted[0]) / (len(self.ordered) + 1))

    def _rarer(self, scales: Floats) -> Floats:
        """The probability that a score beyond the highest of calibration is so many scales beyond it."""
        rarer: Floats = (1 + scales / self.excesses) ** -self.excesses
        return rarer


def fit_tail(scores: Floats, least_scale: float, allowance: float = 0.0) -> Tail:
    """The tail of calibration scores, whose scale is `least_scale` or more; all in units of the score."""
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    k = min(len(ordered) - 1, max(MIN_TAIL, math.ceil(TAIL_SHARE * len(ordered))))
    excess = float((ordered[-k:] - ordered[-k - 1]).mean()) if k > 0 else 0.0
    return Tail(ordered, max(excess, least_scale), max(k, 1), allowance)


def effective_number(scores_DC: Floats, tails: Sequence[Tail]) -> float:
    """How many independent detectors would speak for as many normal sessions as these D do together; 1 to D.

    `scores_DC` are those of the C calibration sessions that were held out from all detectors. Where each may speak for
    the share t of them, some never do (no normal session had an unseen line) and others speak for the same ones: the
    share that any of them speaks for is D t at most. Its upper limit (Wilson, 95 %), over t, is returned, so that with
    few sessions it is D, which is Bonferroni's correction.
    """
    p_values_DC = np.stack(
        [replace(tail, allowance=0.0).p_values(scores_C) for tail, scores_C in zip(tails, scores_DC, strict=True)]
    )
    spoken = int((p_values_DC <= SPEAKING_SHARE).any(axis=0).sum())
    _, high = wilson(spoken, p_values_DC.shape[1])
    return float(len(tails)) if high is None else min(float(len(tails)), max(1.0, high / SPEAKING_SHARE))


def combine(p_values_DS: Floats, tails: Sequence[Tail], number: float, asked: float) -> Floats:
    """One p-value per session from those of D detectors, shape S: `number` times the smallest.

    `number` is D (Bonferroni) or the `effective_number`. A detector whose share is more than its part of the `asked`
    share has its p-values lowered in proportion, so that the result is within `asked` where any detector's p-value is
    within its share.
    """
    weights_D = np.array([asked / tail.share(asked / number) for tail in tails])
    smallest: Floats = np.minimum(1.0, (p_values_DS * weights_D[:, None]).min(axis=0))
    return smallest


def decide(p_values: Floats, alerts_per_thousand: float) -> list[Decision]:
    """A session is anomalous where its p-value is within the alert budget."""
    budget = alerts_per_thousand / 1000
    threshold = -math.log10(budget)
    return [Decision(float(p), -math.log10(max(float(p), 1e-300)), threshold, bool(p <= budget)) for p in p_values]


def attainable_per_thousand(calibration_sessions: int, number: float) -> float:
    """The lowest alert budget that so many sessions support for a `number` of detectors without extrapolation."""
    return 1000 * number / (calibration_sessions + 1)
