"""A run as a whole: does it differ from the good runs more than these differ from each other?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isang.detection.comparison.clusters import clusters_of
from isang.detection.comparison.differences import differences_of, expected_between
from isang.detection.comparison.families import Families

BY_CHANCE = 0.5
"""A difference is an incident where a further good log would have fewer such ones than this."""
LEAST_GOOD = 2
"""From fewer good runs nothing is known of how they differ."""
POWER = 0.1
"""If no run could have a p-value this low, there are too few good ones to judge the run as a whole."""


@dataclass(frozen=True)
class Verdict:
    """Of a run beside good ones."""

    score: float
    """What good runs do not do among themselves, -log10 of how often chance would, summed over incidents."""
    good_scores: tuple[float, ...]
    """The score of each good run compared with the others."""

    @property
    def p_value(self) -> float | None:
        """Share of runs that differ as much, including this one (a conformal p-value); None if it cannot be computed.

        With k good runs it is at least 1 / (k + 1).
        """
        if len(self.good_scores) < LEAST_GOOD:
            return None
        return (1 + sum(score >= self.score for score in self.good_scores)) / (1 + len(self.good_scores))

    @property
    def verdict(self) -> str:
        """`unlike` good runs, `like` them, or `cannot_tell`: there are too few good ones for that."""
        if self.p_value is None or (self.score > 0 and self._lowest > POWER):
            return "cannot_tell"
        return "unlike" if self.p_value <= POWER else "like"

    @property
    def _lowest(self) -> float:
        """The lowest possible p-value with this number of good runs."""
        return 1 / (1 + len(self.good_scores))

    @property
    def says(self) -> str:
        """One sentence."""
        if self.p_value is None:
            return (
                "whether the run as a whole is unlike good ones cannot be decided from one good log; give two or more"
            )
        as_much = sum(score >= self.score for score in self.good_scores)
        if self.score == 0:
            return "the run differs from the good ones only as these do from each other"
        of = len(self.good_scores)
        others = f"{as_much:,} of {of:,} good logs differ" if as_much else "no good log differs"
        if self.verdict == "cannot_tell":
            return (
                f"the run as a whole: {others} as much from the others, but {of:,} good logs are too few to tell: p "
                f"cannot be lower than {self._lowest:.2g}"
            )
        return f"the run as a whole: {others} as much from the others (p = {self.p_value:.2g})"

    @property
    def says_ko(self) -> str:
        """The same in Korean."""
        if self.p_value is None:
            return "정상 로그가 하나뿐이라 실행 전체가 다른지는 판단할 수 없습니다. 두 개 이상 주십시오"
        as_much = sum(score >= self.score for score in self.good_scores)
        if self.score == 0:
            return "정상 로그끼리의 차이를 넘는 차이가 없습니다"
        of = len(self.good_scores)
        others = (
            f"정상 로그 {of:,}개 중 {as_much:,}개가 나머지와 이만큼 다릅니다"
            if as_much
            else "나머지와 이만큼 다른 정상 로그는 없습니다"
        )
        if self.verdict == "cannot_tell":
            return (
                f"실행 전체: {others}. 다만 정상 로그 {of:,}개로는 판단하기에 부족합니다 (p의 하한 {self._lowest:.2g})"
            )
        return f"실행 전체: {others} (p = {self.p_value:.2g})"


def verdict(families: Families, good: Sequence[int], bad: int) -> Verdict:
    """Of the run `bad` beside the runs `good`; every good run is compared with the other good ones in the same way."""
    others = [[run for run in good if run != left_out] for left_out in good] if len(good) >= LEAST_GOOD else []
    good_scores = [run_score(families, rest, run) for run, rest in zip(good, others, strict=False)]
    return Verdict(run_score(families, good, bad), tuple(good_scores))


def run_score(families: Families, good: Sequence[int], bad: int) -> float:
    """How much a run differs from good ones beyond chance, by new and missing lines and their numbers."""
    good_FR, bad_F = families.counts_FR[:, list(good)], families.counts_FR[:, bad]
    first_FR = families.first_FR[:, list(good)]
    in_good = np.where(first_FR < 0, np.iinfo(np.int64).max, first_FR).min(axis=1)
    seen_at = np.where(bad_F > 0, families.first_FR[:, bad], in_good)
    expected = expected_between(families, good_FR)
    differences = differences_of(families, good_FR, bad_F)
    clusters = clusters_of(differences, families, expected, seen_at, int(bad_F.sum()))
    return sum(chance_score(cluster.by_chance) for cluster in clusters if cluster.by_chance < BY_CHANCE)


def chance_score(by_chance: float) -> float:
    """-log10 of the probability of one or more, if `by_chance` are expected."""
    return max(0.0, -math.log10(max(-math.expm1(-by_chance), 1e-12)))
