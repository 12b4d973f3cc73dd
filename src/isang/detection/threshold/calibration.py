"""Scores to p-values and decisions, using only held-out normal sessions: no label sets a threshold."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from isang.detection.evaluation.metrics import wilson
from isang.model.batches import Floats

TAIL_SHARE = 0.05
"""Share of the highest scores that determines the tail beyond the highest calibration score."""
MIN_TAIL = 5
BURST_SHARE = 0.01
"""Calibration sessions with equal scores count once if all of them are within this share of consecutive sessions."""
SPEAKING_SHARE = 0.05
"""Share of sessions that each detector may flag when their overlap is measured."""


class Decision(NamedTuple):
    """What was decided about one session."""

    p_value: float  # share of normal sessions at least this anomalous, corrected for the number of detectors
    score: float  # -log10 of the p-value; higher is more anomalous
    threshold: float  # same unit
    anomalous: bool


@dataclass(frozen=True)
class ScoreTail:
    """The distribution of one detector's scores on held-out normal sessions."""

    ordered: Floats
    """Ascending, shape n."""
    once: Floats
    """The same with each burst of similar sessions counted once, see `bursts_once`."""
    scale: float
    """Mean excess in the upper tail, in units of the score."""
    excesses: int
    """Number of scores in the upper tail that determine the scale."""
    allowance: float
    """How much higher later sessions may score than those of the calibration period, in units of the score."""

    def p_values(self, scores: Floats) -> Floats:
        """The share of normal sessions that score at least this high, shape as `scores`.

        Up to the highest calibration score these are conformal p-values, (1 + number of calibration scores >= s) /
        (n + 1) (Vovk, Gammerman and Shafer 2005), of scores lowered by the allowance; each burst of equal scores counts
        once. Beyond it a tail continues from 1 / (n + 1): that part is extrapolated, not guaranteed. An exponential
        excess is more than x scales with probability (1 + x / k)^-k if the scale was estimated from k others (the F
        distribution with 2 and 2 k degrees of freedom): a scale estimated from few sessions makes a long tail.
        """
        n = len(self.ordered)
        lowered = scores - self.allowance
        at_least = len(self.once) - np.searchsorted(self.once, lowered, side="left")
        beyond = np.maximum(0.0, lowered - self.ordered[-1])
        p_values: Floats = (1 + at_least) / (n + 1) * self._rarer(beyond / self.scale)
        return p_values

    def share(self, asked: float) -> float:
        """The p-value up to which an alert is raised, if the share `asked` of normal sessions may raise one.

        With few calibration sessions it is more than asked: what is far beyond anything among them raises an alert,
        however few they are. The relative error of the scale is 1 / sqrt(k), so the tail is trusted up to about sqrt(k)
        scales beyond the highest calibration score; farther out the error would exceed a scale.
        """
        trusted = self._rarer(np.sqrt([self.excesses - 1.0]))
        return max(asked, float(trusted[0]) / (len(self.ordered) + 1))

    def _rarer(self, scales: Floats) -> Floats:
        """The probability that a score beyond the highest calibration score exceeds it by this many scales."""
        rarer: Floats = (1 + scales / self.excesses) ** -self.excesses
        return rarer


def fit_tail(scores: Floats, least_scale: float, allowance: float = 0.0) -> ScoreTail:
    """The tail of calibration scores, given in order of time; its scale is at least `least_scale`.

    All in units of the score.
    """
    scores = np.asarray(scores, dtype=np.float64)
    once = bursts_once(scores)
    k = min(len(once) - 1, max(MIN_TAIL, math.ceil(TAIL_SHARE * len(scores))))
    excess = float((once[-k:] - once[-k - 1]).mean()) if k > 0 else 0.0
    return ScoreTail(np.sort(scores), once, max(excess, least_scale), max(k, 1), allowance)


def bursts_once(scores: Floats) -> Floats:
    """The scores, given in order of time, sorted ascending, with each burst of equal scores counted once.

    A single unusual event, such as a job that fails and is retried ten times, makes ten equal scores within minutes: it
    is one incident to the reader of the alerts. If it recurs at another time, it is counted again.
    """
    values, first, times = np.unique(scores, return_index=True, return_counts=True)
    last = len(scores) - 1 - np.unique(scores[::-1], return_index=True)[1]
    burst = last - first <= BURST_SHARE * len(scores)
    once: Floats = np.repeat(values, np.where(burst, 1, times))
    return once


def effective_number(scores_DC: Floats, tails: Sequence[ScoreTail]) -> float:
    """The number of independent detectors that would flag as many normal sessions as these D do together; 1 to D.

    `scores_DC` are those of the C calibration sessions that were held out from all detectors. If each may flag the
    share t of them, some never do (no normal session had an unseen line) and others flag the same ones: the share
    flagged by any of them is at most D t. The result is the upper limit of that share (Wilson, 95 %) divided by t, so
    that with few sessions it is D, which is Bonferroni's correction.
    """
    p_values_DC = np.stack(
        [replace(tail, allowance=0.0).p_values(scores_C) for tail, scores_C in zip(tails, scores_DC, strict=True)]
    )
    spoken = int((p_values_DC <= SPEAKING_SHARE).any(axis=0).sum())
    _, high = wilson(spoken, p_values_DC.shape[1])
    return float(len(tails)) if high is None else min(float(len(tails)), max(1.0, high / SPEAKING_SHARE))


def limits(tails: Sequence[ScoreTail], asked: float, number: float, shares_D: Floats | None = None) -> Floats:
    """The p-value up to which each detector's alerts are within the share `asked` of the normal sessions, shape D.

    Each of the D detectors has 1 / `number` of it, where `number` is D (Bonferroni) or the `effective_number`, times
    its share of `shares_D`, whose mean is 1 (weighted Bonferroni; Genovese, Roeder and Wasserman 2006); None: equal
    shares. With few calibration sessions it is more, see `Tail.share`.
    """
    shares_D = np.ones(len(tails)) if shares_D is None else shares_D
    return np.array([tail.share(asked / number * share) for tail, share in zip(tails, shares_D, strict=True)])


def combine(p_values_DS: Floats, limits_D: Floats, asked: float) -> Floats:
    """One p-value per session from those of D detectors, shape S, within `asked` if any is within its limit.

    It is the smallest of them, each as a multiple of its detector's limit, times `asked`; those with limit 0 are
    ignored.
    """
    smallest = np.ones(p_values_DS.shape[1])
    for p_values_S, limit in zip(p_values_DS, limits_D, strict=True):
        if limit > 0:
            np.minimum(smallest, asked * (p_values_S / limit), out=smallest)
    return smallest


def decide(p_values: Floats, alerts_per_thousand: float) -> list[Decision]:
    """A session is anomalous if its p-value is within the alert budget; equal p-values share one decision."""
    budget = alerts_per_thousand / 1000
    threshold = -math.log10(budget)
    different, place_S = np.unique(p_values, return_inverse=True)
    decisions = [Decision(p, -math.log10(max(p, 1e-300)), threshold, p <= budget) for p in different.tolist()]
    return [decisions[place] for place in place_S.tolist()]


TOO_COARSE = 100.0
"""Too few calibration sessions if they support no budget below this many alerts per 1,000 sessions."""


def attainable_per_thousand(calibration_sessions: int, number: float) -> float:
    """The lowest alert budget that this many sessions support for `number` detectors without extrapolation."""
    return 1000 * number / (calibration_sessions + 1)
