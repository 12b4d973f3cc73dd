"""A stretch of a log as a whole, compared with held-out stretches of the training period of the same length.

Shapes: N sessions in order of time, K stretches.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.threshold.calibration import ScoreTail, combine, fit_tail
from isang.detection.threshold.decisions import hardly_calibrated, limits_at
from isang.model.batches import Floats

PARTS = 30
"""Number of parts of the held-out sessions; each part is judged by tails fitted without it."""
LEAST_STRETCHES = 4
"""Minimum number of held-out stretches: fewer do not show how normal ones differ."""
SCALE = 1 / math.log(10)
"""Scale of the scores of normal stretches (-log10 of a p-value) if calibration holds."""
UNUSUAL = 0.1
"""An incident is reported if at most this share of normal stretches of this length has anything as anomalous."""


def stretch_score(p_values: Floats, judged: float) -> float:
    """-log10 of the probability that among `judged` normal sessions this many are as anomalous as these; at least 0.

    For each k, the k most anomalous are compared with the number expected from their p-values by Chernoff's bound of
    the Poisson tail; the best k counts, corrected for the number of k (Bonferroni).
    """
    if not len(p_values):
        return 0.0
    k = np.arange(1, len(p_values) + 1)
    expected_k = np.maximum(judged, k) * np.maximum(np.sort(p_values), 1e-300)
    less_k = expected_k < k
    excess_k = np.where(less_k, k * np.log(k / expected_k) - k + expected_k, 0.0) / math.log(10)
    return max(0.0, float(excess_k.max()) - math.log10(len(p_values)))


@dataclass(frozen=True)
class HeldOut:
    """The results of the training sessions while they were held out."""

    p_values: Floats
    """p-values of all detectors together, in order of time, shape N."""
    budget: float
    """The alert budget used, as a share of the sessions."""

    def scores(self, length: int) -> Floats:
        """The scores of the stretches of `length` sessions, shape K."""
        number = len(self.p_values) // max(1, length)
        edges = np.linspace(0, len(self.p_values), number + 1).astype(np.int64)
        return np.array(
            [told_score(self.p_values[start:stop], length, self.budget) for start, stop in pairwise(edges.tolist())]
        )


@dataclass(frozen=True)
class Loud:
    """The lines of a log that report a failure, compared with training stretches with the same number of lines."""

    score: float
    """-log10 of the share of these stretches with a kind of line as often, summed over the kinds."""
    p_value: float
    """The share of these stretches with a sum as high."""
    stretches: int
    new: tuple[str, ...]
    """Kinds of lines at ERROR that never occurred in training."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of a log, or all of it, compared with held-out ones of the same length."""

    sessions: int
    anomalies: int
    sessions_score: float
    """-log10 of the probability of as many equally anomalous normal sessions, by the calibration of single sessions."""
    normal_scores: tuple[float, ...]
    """The same for held-out stretches."""
    parts: int = 1
    """Number of parts in which it was judged, since the training period is too short for the whole; the most anomalous
    part counts."""
    loud: Loud | None = None
    """None if the lines that report a failure cannot be compared."""
    few_sessions: bool = False
    """Whether the model was calibrated on too few sessions to tell an anomaly from chance."""

    @cached_property
    def sessions_p_value(self) -> float | None:
        """The share of normal stretches with sessions as anomalous; None if there are too few to compare with."""
        if len(self.normal_scores) < LEAST_STRETCHES:
            return None
        scores = np.array([self.sessions_score])
        return min(1.0, self.parts * float(_tail(np.array(self.normal_scores)).p_values(scores)[0]))

    @property
    def p_values(self) -> list[float]:
        """The available p-values: of the sessions, and of the lines that report a failure."""
        of_lines = None if self.loud is None else self.loud.p_value
        return [p for p in (self.sessions_p_value, of_lines) if p is not None]

    @property
    def p_value(self) -> float | None:
        """The share of normal stretches with anything as anomalous; None if there are too few to compare with.

        The smaller p-value of the sessions and of the lines that report a failure counts, corrected for both
        (Bonferroni).
        With n held-out stretches each is exact down to 1 / (n + 1), and extrapolated below.
        """
        return min(1.0, len(self.p_values) * min(self.p_values)) if self.p_values else None

    @property
    def score(self) -> float:
        """A score to rank logs by: -log10 of the product of all p-values (Fisher 1925).

        It is `sessions_score` if there is nothing to compare with.
        """
        return sum(-math.log10(max(p, 1e-300)) for p in self.p_values) if self.p_values else self.sessions_score

    @property
    def extrapolated(self) -> bool:
        """Whether the p-value is lower than the held-out stretches alone can support."""
        least = len(self.p_values) / (1 + max(len(self.normal_scores), self.loud.stretches if self.loud else 0))
        return self.p_value is not None and self.p_value < least

    @property
    def verdict(self) -> str:
        """`unlike` normal stretches, `like` them, or `cannot_tell`."""
        if self.p_value is not None and self.p_value <= UNUSUAL / 2:
            return "unlike"
        return "cannot_tell" if self.p_value is None or self.few_sessions else "like"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "verdict": self.verdict, "p_value": self.p_value, "extrapolated": self.extrapolated,
            "score": round(self.score, 3), "sessions_score": round(self.sessions_score, 3),
            "sessions_p_value": self.sessions_p_value,
            "loud_lines_p_value": self.loud and self.loud.p_value,
            "sessions": self.sessions, "anomalies": self.anomalies,
            "held_out_stretches": len(self.normal_scores), "as_strange": self.as_strange, "parts": self.parts,
            "says": self.says, "says_ko": self.says_ko,
        }  # fmt: skip

    @property
    def says(self) -> str:
        """One sentence, or two."""
        return "; ".join(filter(None, [self._verdict, self._of_sessions, self._of_lines]))

    @property
    def _verdict(self) -> str:
        if self.verdict == "cannot_tell":
            few = "sessions" if self.few_sessions else "stretches"
            return (
                "whether the logs as a whole are unlike normal ones cannot be decided: the training period holds too "
                f"few {few} to compare with"
            )
        verdict = "unlike" if self.verdict == "unlike" else "like"
        return f"the logs as a whole are {verdict} normal ones (p = {self.p_value:.2g})"

    @property
    def _of_sessions(self) -> str:
        if self.sessions_p_value is None or self.verdict == "cannot_tell":
            return ""
        of = f"{len(self.normal_scores):,} held-out stretches of the training period"
        as_strange = f"{self.as_strange:,} of {of}" if self.as_strange else f"none of {of}"
        verb = "has" if self.as_strange < 2 else "have"
        parts = f"; the strangest of {self.parts:,} parts counts" if self.parts > 1 else ""
        return f"{as_strange} {verb} sessions as strange{parts}"

    @property
    def _of_lines(self) -> str:
        if self.loud is None or self.loud.p_value > UNUSUAL:
            return ""
        if not self.loud.new:
            return f"lines that tell of a failure are rarer kinds or more than usual (p = {self.loud.p_value:.2g})"
        kinds = "1 kind of line" if len(self.loud.new) == 1 else f"{len(self.loud.new):,} kinds of lines"
        return (
            f"{kinds} at ERROR was never seen before"
            if len(self.loud.new) == 1
            else f"{kinds} at ERROR were never seen before"
        )

    @property
    def says_ko(self) -> str:
        """The same in Korean."""
        if self.verdict == "cannot_tell":
            few = "세션이" if self.few_sessions else "구간이"
            return f"로그 전체가 정상과 다른지는 판단할 수 없습니다. 학습 기간에 비교할 {few} 너무 적습니다"
        verdict = "정상과 다릅니다" if self.verdict == "unlike" else "정상과 다르지 않습니다"
        said = f"로그 전체가 {verdict} (p = {self.p_value:.2g})."
        if self.sessions_p_value is not None:
            parts = f" {self.parts:,}개 부분으로 나누어 비교." if self.parts > 1 else ""
            of = f"학습 기간의 구간 {len(self.normal_scores):,}개"
            said += f"{parts} {of} 가운데 세션이 이만큼 특이한 것: {self.as_strange:,}개"
        if self.loud is not None and self.loud.p_value <= UNUSUAL and self.loud.new:
            said += f". 이전에 없던 ERROR 줄: {len(self.loud.new):,}종"
        return said

    @property
    def as_strange(self) -> int:
        """Number of held-out stretches that are at least as anomalous."""
        return sum(score >= self.sessions_score for score in self.normal_scores)


def held_out_scores(model: Model, scores: pl.DataFrame) -> pl.DataFrame:
    """The held-out score of each training session: `score`, -log10 of its p-value.

    `scores` has a column per detector, null if the session was not held out from it. Each part is judged by tails
    fitted without it.
    """
    budget = model.config.detection.alerts_per_thousand
    limits_D, count = limits_at(model, budget), len(scores)
    p_values_DN = np.ones((len(limits_D), count))
    part_N = np.arange(count) * min(PARTS, count) // max(1, count)
    for number, detector in enumerate(detectors_of(model)):
        of_all = scores[detector.name].fill_null(-np.inf).to_numpy()
        known_N = np.isfinite(of_all)
        for part in np.unique(part_N[known_N]):
            others_N, own_N = known_N & (part_N != part), known_N & (part_N == part)
            if others_N.sum() > 1:
                tail = fit_tail(of_all[others_N], detector.least_scale, detector.allowance)
                p_values_DN[number, own_N] = tail.p_values(of_all[own_N])
    p_values_N = combine(p_values_DN, limits_D, budget / 1000)
    return pl.DataFrame({"score": -np.log10(np.maximum(p_values_N, 1e-300))})


def held_out(model: Model) -> HeldOut:
    """The held-out sessions of a model; empty if it was calibrated without them."""

    def found() -> HeldOut:
        budget = model.config.detection.alerts_per_thousand / 1000
        if model.held_out is None:
            return HeldOut(np.empty(0), budget)
        return HeldOut(10 ** -model.held_out["score"].to_numpy(), budget)

    return model.kept.once(held_out, found)


def told_score(p_values: Floats, judged: int, budget: float) -> float:
    """The score of a stretch from its sessions within the alert budget."""
    return stretch_score(p_values[p_values <= budget], judged)


def unusual(model: Model, p_values: Floats, judged: int) -> bool:
    """Whether sessions as anomalous as these, of one incident among `judged` sessions, are rare in normal stretches.

    The most anomalous one is also compared with stretches in which the budget allows one alert, so that an incident of
    one session counts the same in short and long logs.
    """
    normal = held_out(model)
    short = max(1, min(judged, round(1 / normal.budget)))
    score = max(stretch_score(p_values, judged), stretch_score(np.sort(p_values)[:1], short))
    of_stretches = normal.scores(short)
    if not len(of_stretches):
        return score >= -math.log10(UNUSUAL)
    return bool(_tail(of_stretches).p_values(np.array([score]))[0] <= UNUSUAL)


def judge_stretch(model: Model, p_values: Floats, anomalies: int, loud: Loud | None = None) -> Stretch:
    """Judge a log as a whole: its sessions in order of time, and its lines that report a failure."""
    normal, judged, few = held_out(model), len(p_values), hardly_calibrated(model) is not None
    length = min(judged, len(normal.p_values) // LEAST_STRETCHES)
    if length < 1:
        return Stretch(judged, anomalies, stretch_score(p_values, judged), (), loud=loud, few_sessions=few)
    parts = np.array_split(p_values, -(-judged // length))
    score = max(told_score(part, len(part), normal.budget) for part in parts)
    return Stretch(judged, anomalies, score, tuple(normal.scores(length).tolist()), len(parts), loud, few)


def _tail(scores_K: Floats) -> ScoreTail:
    return fit_tail(scores_K, SCALE)
