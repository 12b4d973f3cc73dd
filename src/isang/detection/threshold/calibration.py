"""Scores to p-values and decisions, by held-out normal sessions alone: no label sets a threshold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from isang.detection.evaluation.metrics import wilson
from isang.model.batches import Floats

TAIL_SHARE = 0.05
"""The tail beyond the highest calibration score is shaped by this share of the highest scores."""
MIN_TAIL = 5
BURST_SHARE = 0.01
"""Calibration sessions that score the same count once where all of them are among so small a share of neighbours."""
SPEAKING_SHARE = 0.05
"""How often detectors speak for the same sessions is seen where each may speak for this share of them."""


class Decision(NamedTuple):
    """What was decided about one session."""

    p_value: float  # share of normal sessions that look at least this strange, corrected for that of the detectors
    score: float  # -log10 of the p-value; higher is stranger
    threshold: float  # same unit
    anomalous: bool


@dataclass(frozen=True)
class ScoreTail:
    """The distribution of one detector's scores on held-out normal sessions."""

    ordered: Floats
    """Ascending, shape n."""
    once: Floats
    """The same with each burst of alike sessions counted once, see `bursts_once`."""
    scale: float
    """Mean excess in the upper tail, in units of the score."""
    excesses: int
    """So many scores of the upper tail gave the scale."""
    allowance: float
    """Later sessions may score so much higher than those of the calibration period, in units of the score."""

    def p_values(self, scores: Floats) -> Floats:
        """The share of normal sessions that score at least this high, shape as `scores`.

        Up to the highest calibration score these are conformal p-values, (1 + number of calibration scores >= s) /
        (n + 1) (Vovk, Gammerman and Shafer 2005), of scores lowered by the allowance; each burst of equal scores is one
        in that number. Beyond it a tail goes on from 1 / (n + 1): that part is extrapolated, not guaranteed. An
        exponential excess is more than x scales with probability (1 + x / k)^-k where k others gave the scale (the F
        distribution with 2 and 2 k degrees of freedom): a scale known from few sessions makes a long tail.
        """
        n = len(self.ordered)
        lowered = scores - self.allowance
        at_least = len(self.once) - np.searchsorted(self.once, lowered, side="left")
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


def fit_tail(scores: Floats, least_scale: float, allowance: float = 0.0) -> ScoreTail:
    """The tail of calibration scores, which come in the order of time; its scale is `least_scale` or more.

    All in units of the score.
    """
    scores = np.asarray(scores, dtype=np.float64)
    once = bursts_once(scores)
    k = min(len(once) - 1, max(MIN_TAIL, math.ceil(TAIL_SHARE * len(scores))))
    excess = float((once[-k:] - once[-k - 1]).mean()) if k > 0 else 0.0
    return ScoreTail(np.sort(scores), once, max(excess, least_scale), max(k, 1), allowance)


def bursts_once(scores: Floats) -> Floats:
    """The scores, which come in the order of time, ascending and with each burst of equal ones counted once.

    What sets normal sessions apart once, such as a job that fails and is tried ten times, makes ten equal scores within
    minutes: it happened once, and is one incident to whoever reads the alerts. What comes back at another time is
    counted each time.
    """
    values, first, times = np.unique(scores, return_index=True, return_counts=True)
    last = len(scores) - 1 - np.unique(scores[::-1], return_index=True)[1]
    burst = last - first <= BURST_SHARE * len(scores)
    once: Floats = np.repeat(values, np.where(burst, 1, times))
    return once


def effective_number(scores_DC: Floats, tails: Sequence[ScoreTail]) -> float:
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


def limits(tails: Sequence[ScoreTail], asked: float, number: float, shares_D: Floats | None = None) -> Floats:
    """Up to which p-value each detector's alerts are within the `asked` share of the normal sessions, shape D.

    Each of the D detectors has 1 / `number` of it, where `number` is D (Bonferroni) or the `effective_number`, times
    its share of `shares_D`, whose mean is 1 (weighted Bonferroni; Genovese, Roeder and Wasserman 2006); None: equal
    shares. With few calibration sessions it is more, see `Tail.share`.
    """
    shares_D = np.ones(len(tails)) if shares_D is None else shares_D
    return np.array([tail.share(asked / number * share) for tail, share in zip(tails, shares_D, strict=True)])


def combine(p_values_DS: Floats, limits_D: Floats, asked: float) -> Floats:
    """One p-value per session from those of D detectors, shape S, within `asked` where any is within its limit.

    It is the smallest of them, each as a multiple of its detector's limit, times `asked`; those with the limit 0 do not
    count.
    """
    smallest = np.ones(p_values_DS.shape[1])
    for p_values_S, limit in zip(p_values_DS, limits_D, strict=True):
        if limit > 0:
            np.minimum(smallest, asked * (p_values_S / limit), out=smallest)
    return smallest


def decide(p_values: Floats, alerts_per_thousand: float) -> list[Decision]:
    """A session is anomalous where its p-value is within the alert budget; equal p-values share one decision."""
    budget = alerts_per_thousand / 1000
    threshold = -math.log10(budget)
    different, place_S = np.unique(p_values, return_inverse=True)
    decisions = [Decision(p, -math.log10(max(p, 1e-300)), threshold, p <= budget) for p in different.tolist()]
    return [decisions[place] for place in place_S.tolist()]


def attainable_per_thousand(calibration_sessions: int, number: float) -> float:
    """The lowest alert budget that so many sessions support for a `number` of detectors without extrapolation."""
    return 1000 * number / (calibration_sessions + 1)
