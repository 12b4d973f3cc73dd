"""What bad logs have and good ones lack, each difference with the number of such differences expected by chance.

Good logs differ among themselves, and this is measured: each is compared with the others (k logs give k comparisons),
and together with a prior (PRIOR, one comparison) this gives the expected number of differences of each class between
a further good log and these. A difference is reported if fewer than 0.5 that are as large are expected by chance.
Shapes: F families, R runs, the last of them the bad one.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from isang.detection.comparison.families import Families

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

PRIOR = (1.0, 1.0, 0.3, 0.1)
"""Families by loudness that one good log has and another has not, on average: pairs of runs of five distributed systems
gave 0 to 3, 0 to 5, 0 to 1 and none."""
PRIOR_SCALE = 0.9
"""The tail of differences between counts, by the same runs: P(more than t) = TAIL exp(-t / scale)."""
TAIL = 0.1
PRIOR_WEIGHT = 20
"""Weight of the prior scale, in families whose counts differ."""
OVERDISPERSION = 0.1
"""The variance of a count of mean m between good logs is m + f m^2 (negative binomial), since the mix of requests
differs; f is about this between good runs of 17 real services under different loads."""
OVERDISPERSION_WEIGHT = 20
"""Weight of the prior overdispersion, in degrees of freedom."""
COUNTED = 5
"""Families with fewer lines in a good log, on average, say nothing of f."""


@dataclass(frozen=True)
class Expected:
    """What chance does between good logs."""

    new_by_loudness: Floats
    """Families that a further good log has and these have not, shape 4."""
    missing: float
    """Families that all of these have and a further good log lacks."""
    overdispersion: float
    """Of counts between good logs."""
    scale: float
    """Of the tail of differences between counts."""


@dataclass(frozen=True)
class Difference:
    """One family that differs."""

    kind: str
    """`new`, `missing`, `too_many`, `too_few`, `value`, `number` or `out_of_order`."""
    family: int
    lines: int
    """In the bad logs."""
    usual: float
    """In a good log, on average."""
    by_chance: float
    """Expected number of differences of this kind, as large or larger, in a further good log."""
    record: int = -1
    """The first record that shows it; -1: the first of the family, in the bad logs where it is there."""
    before: str = ""
    """What there was in the place of it: the values, the other wording, the other level."""
    now: str = ""
    """What there is: the value."""


def expected_between(families: Families, good_FR: Counts) -> Expected:
    """How good logs, shape (F, k), differ among themselves."""
    k = good_FR.shape[1]
    overdispersion = _overdispersion(good_FR)
    new = np.array(PRIOR)
    missing, scale_sum, weight = float(sum(PRIOR)), PRIOR_SCALE * PRIOR_WEIGHT, float(PRIOR_WEIGHT)
    if k > 1:
        for left_out in range(k):
            others_FR = np.delete(good_FR, left_out, axis=1)
            own_F = good_FR[:, left_out]
            only_F = (own_F > 0) & ~others_FR.any(axis=1)
            new = new + np.bincount(families.loudness_F[only_F], minlength=len(PRIOR))
            missing += int(((own_F == 0) & others_FR.all(axis=1)).sum())
            apart_F = np.abs(apart(own_F, others_FR, overdispersion))
            known_F = (own_F > 0) & others_FR.all(axis=1)
            beyond = np.sort(apart_F[known_F])[-max(1, round(TAIL * int(known_F.sum()))) :]
            scale_sum, weight = scale_sum + float(beyond.sum()), weight + len(beyond)
        new, missing = new / (k + 1), missing / (k + 1)
    return Expected(new, missing, overdispersion, max(scale_sum / weight, PRIOR_SCALE * 2 / 3))


def apart(own_F: Counts, others_FR: Counts, overdispersion: float) -> Floats:
    """Difference of a count to the mean of others, in standard deviations, on a scale with a constant variance.

    That is 2 arsinh(sqrt(f n)) / sqrt(f) for a variance of n + f n^2 (Anscombe 1948).
    """

    def even(counts: Counts) -> Floats:
        scaled: Floats = 2 * np.arcsinh(np.sqrt(overdispersion * counts)) / math.sqrt(overdispersion)
        return scaled

    k = others_FR.shape[1]
    differences: Floats = (even(own_F) - even(others_FR).mean(axis=1)) / np.sqrt(1 + 1 / k)
    return differences


def _overdispersion(good_FR: Counts) -> float:
    """The mean over families of the moment estimator (variance - mean) / mean^2, with the prior."""
    degrees = good_FR.shape[1] - 1
    counted_FR = good_FR[good_FR.mean(axis=1) >= COUNTED]
    if not degrees or not len(counted_FR):
        return OVERDISPERSION
    mean_F = counted_FR.mean(axis=1)
    found_F = np.clip((counted_FR.var(axis=1, ddof=1) - mean_F) / mean_F**2, -1.0, 1.0)
    weight = OVERDISPERSION_WEIGHT + degrees * len(counted_FR)
    return float(max(0.001, (OVERDISPERSION_WEIGHT * OVERDISPERSION + degrees * found_F.sum()) / weight))


def differences_of(families: Families, good_FR: Counts, bad_F: Counts, *, dispersion: float = 1.0) -> list[Difference]:
    """All families that are new, missing, or differ in number, one by one.

    `dispersion`: the variance of counts relative to Poisson's, and to that among good logs, if there is only one.
    """
    expected = expected_between(families, good_FR)
    in_good_F, in_all_F = good_FR.any(axis=1), good_FR.all(axis=1)
    usual_F = good_FR.mean(axis=1)
    found = []
    for family in np.flatnonzero(~in_good_F & (bad_F > 0)).tolist():
        chance = expected.new_by_loudness[families.loudness_F[family]] / bad_F[family]
        found.append(Difference("new", family, int(bad_F[family]), 0.0, float(chance)))
    for family in np.flatnonzero(in_all_F & (bad_F == 0)).tolist():
        lines = float(usual_F[family])
        found.append(Difference("missing", family, 0, lines, expected.missing / max(1.0, lines)))
    apart_F = apart(bad_F, good_FR, expected.overdispersion) / dispersion
    both_F = in_good_F & (bad_F > 0)
    poisson_F = np.array([math.erfc(value / math.sqrt(2)) for value in np.abs(apart_F).tolist()])
    by_chance_F = int(both_F.sum()) * np.maximum(poisson_F, TAIL * np.exp(-np.abs(apart_F) / expected.scale))
    both_F &= np.abs(apart_F) >= 1  # the tail begins there
    for family in np.flatnonzero(both_F & (by_chance_F < 1)).tolist():
        kind = "too_many" if apart_F[family] > 0 else "too_few"
        found.append(Difference(kind, family, int(bad_F[family]), float(usual_F[family]), float(by_chance_F[family])))
    return _without_renamed(found, families, expected)


def _without_renamed(found: Sequence[Difference], families: Families, expected: Expected) -> list[Difference]:
    """A new family beside a missing one that differs in one word is the same line with another name in it."""
    templates = families.table["template"].to_list()
    missing: dict[tuple[str, ...], int] = {}
    for difference in found:
        if difference.kind == "missing":
            for key in _with_gaps(templates[difference.family]):
                missing[key] = difference.family
    kept, renamed = [], set()
    for difference in found:
        same = None
        if difference.kind == "new" and not families.loudness_F[difference.family]:
            same = next((missing[key] for key in _with_gaps(templates[difference.family]) if key in missing), None)
        if same is not None:
            renamed.add(same)
            chance = float(expected.new_by_loudness[0])
            difference = replace(difference, by_chance=max(1.0, chance), before=templates[same])
        kept.append(difference)
    return [d for d in kept if not (d.kind == "missing" and d.family in renamed)]


def _with_gaps(template: str) -> list[tuple[str, ...]]:
    """The words of a template, each left out in turn."""
    words = template.split()
    return [(*words[:place], "", *words[place + 1 :]) for place in range(len(words))] if len(words) > 1 else []
