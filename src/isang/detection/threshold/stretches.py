"""A stretch of a log as a whole, beside held-out stretches of the training period that are as long.

Shapes: N sessions in the order of time, K stretches.
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
from isang.detection.threshold.decisions import limits_at
from isang.model.batches import Floats

PARTS = 30
"""A held-out session is judged by tails that were fitted without the part of so many that it stands in."""
LEAST_STRETCHES = 4
"""Fewer held-out stretches do not say how normal ones differ."""
SCALE = 1 / math.log(10)
"""Of scores of normal stretches, -log10 of a p-value, where calibration holds."""
UNUSUAL = 0.1
"""An incident is told where no more of the normal stretches as long as this one have anything as strange."""


def stretch_score(p_values: Floats, judged: float) -> float:
    """-log10 of the chance that among `judged` normal sessions so many are as strange as these; at least 0.

    For each k, the k strangest are compared with the number expected by their p-values: Chernoff's bound of the
    Poisson tail; the best k counts, corrected for their number (Bonferroni).
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
    """The sessions of the training period as they were judged while they were held out."""

    p_values: Floats
    """Of all detectors together, in the order of time, shape N."""
    budget: float
    """The alert budget that they were judged with, a share of the sessions."""

    def scores(self, length: int) -> Floats:
        """The scores of the stretches of so many sessions, shape K."""
        number = len(self.p_values) // max(1, length)
        edges = np.linspace(0, len(self.p_values), number + 1).astype(np.int64)
        return np.array(
            [told_score(self.p_values[start:stop], length, self.budget) for start, stop in pairwise(edges.tolist())]
        )


@dataclass(frozen=True)
class Stretch:
    """A stretch of a log, or all of it, beside held-out ones that are as long."""

    sessions: int
    anomalies: int
    score: float
    """-log10 of the chance that so many normal sessions are as strange, by the calibration of single sessions."""
    normal_scores: tuple[float, ...]
    """The same of held-out stretches."""
    parts: int = 1
    """It was looked at in so many parts, since the training period is not long enough for the whole; the strangest
    part counts."""

    @cached_property
    def p_value(self) -> float | None:
        """How many normal stretches have anything as strange; None: cannot tell, there are too few to compare with.

        It is exact down to one in the number of held-out stretches and one, and extrapolated below.
        """
        if len(self.normal_scores) < LEAST_STRETCHES:
            return None
        return min(1.0, self.parts * float(_tail(np.array(self.normal_scores)).p_values(np.array([self.score]))[0]))

    @property
    def extrapolated(self) -> bool:
        """Whether the p-value is lower than the held-out stretches alone can say."""
        return self.p_value is not None and self.p_value < 1 / (1 + len(self.normal_scores))

    @property
    def verdict(self) -> str:
        """`unlike` normal stretches, `like` them, or `cannot_tell`."""
        if self.p_value is None:
            return "cannot_tell"
        return "unlike" if self.p_value <= UNUSUAL / 2 else "like"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "verdict": self.verdict, "p_value": self.p_value, "extrapolated": self.extrapolated,
            "score": round(self.score, 3), "sessions": self.sessions, "anomalies": self.anomalies,
            "held_out_stretches": len(self.normal_scores), "as_strange": self.as_strange, "parts": self.parts,
            "says": self.says, "says_ko": self.says_ko,
        }  # fmt: skip

    @property
    def says(self) -> str:
        """One sentence."""
        if self.p_value is None:
            return (
                "whether the sessions as a whole are unlike normal ones cannot be told: the training period holds "
                "too few stretches to compare with"
            )
        unlike = "unlike" if self.verdict == "unlike" else "like"
        of = f"{len(self.normal_scores):,} held-out stretches of the training period"
        as_strange = f"{self.as_strange:,} of {of}" if self.as_strange else f"none of {of}"
        parts = f"; its strangest of {self.parts:,} parts counts" if self.parts > 1 else ""
        return (
            f"the sessions as a whole are {unlike} normal ones: {as_strange} {'is' if self.as_strange < 2 else 'are'} "
            f"as strange (p = {self.p_value:.2g}{parts})"
        )

    @property
    def says_ko(self) -> str:
        """The same in Korean."""
        if self.p_value is None:
            return "세션 전체가 정상과 다른지는 판단할 수 없습니다. 학습 기간에 비교할 구간이 너무 적습니다"
        verdict = "정상과 다릅니다" if self.verdict == "unlike" else "정상과 다르지 않습니다"
        parts = f" {self.parts:,}개 부분으로 나누어 비교." if self.parts > 1 else ""
        return (
            f"세션 전체가 {verdict} (p = {self.p_value:.2g}).{parts} 학습 기간의 구간 {len(self.normal_scores):,}개 "
            f"가운데 이만큼 특이한 것: {self.as_strange:,}개"
        )

    @property
    def as_strange(self) -> int:
        """Held-out stretches that are at least as strange."""
        return sum(score >= self.score for score in self.normal_scores)


def held_out_scores(model: Model, scores: pl.DataFrame) -> pl.DataFrame:
    """What each session of the training period scored while it was held out: `score`, -log10 of its p-value.

    `scores` has a column per detector, null where the session was not held out from it. The tails that judge a part
    are fitted without it.
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
    """The held-out sessions of a model; none where it was calibrated without."""

    def found() -> HeldOut:
        budget = model.config.detection.alerts_per_thousand / 1000
        if model.held_out is None:
            return HeldOut(np.empty(0), budget)
        return HeldOut(10 ** -model.held_out["score"].to_numpy(), budget)

    return model.kept.once(held_out, found)


def told_score(p_values: Floats, judged: int, budget: float) -> float:
    """How strange the sessions of a stretch are, by all that are within the budget."""
    return stretch_score(p_values[p_values <= budget], judged)


def unusual(model: Model, p_values: Floats, judged: int) -> bool:
    """Whether normal stretches seldom have sessions as strange as these, of one incident among `judged` sessions.

    The strangest one is also compared with stretches in which the budget allows one alert, so that an incident of one
    session counts alike in short logs and in long ones.
    """
    normal = held_out(model)
    short = max(1, min(judged, round(1 / normal.budget)))
    score = max(stretch_score(p_values, judged), stretch_score(np.sort(p_values)[:1], short))
    of_stretches = normal.scores(short)
    if not len(of_stretches):
        return score >= -math.log10(UNUSUAL)
    return bool(_tail(of_stretches).p_values(np.array([score]))[0] <= UNUSUAL)


def judge_stretch(model: Model, p_values: Floats, anomalies: int) -> Stretch:
    """The sessions of a log as a whole, in the order of time."""
    normal, judged = held_out(model), len(p_values)
    length = min(judged, len(normal.p_values) // LEAST_STRETCHES)
    if length < 1:
        return Stretch(judged, anomalies, stretch_score(p_values, judged), ())
    parts = np.array_split(p_values, -(-judged // length))
    score = max(told_score(part, len(part), normal.budget) for part in parts)
    return Stretch(judged, anomalies, score, tuple(normal.scores(length).tolist()), len(parts))


def _tail(scores_K: Floats) -> ScoreTail:
    return fit_tail(scores_K, SCALE)
