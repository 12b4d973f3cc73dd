"""Detection quality as pure functions; what is undefined stays undefined."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.detection.evaluation.block_bootstrap import Blocks

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BOOTSTRAP_SAMPLES = 2_000
BOOTSTRAP_RANKINGS = 200
"""Average precision needs a sum over all sessions per sample, so fewer samples are drawn."""
Z95 = 1.959963984540054
"""Standard normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Counts:
    """The confusion table."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


def confusion(flagged: Flags, anomalous: Flags) -> Counts:
    """Count the four cases; both arrays have shape S."""
    return Counts(*(int(case.sum()) for case in _cases(flagged, anomalous)))


def rates(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> dict[str, Floats]:
    """accuracy, precision, recall and F1 for each element; NaN where the denominator is zero.

    Precision is undefined when nothing fired, recall and F1 when there is nothing to find.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "accuracy": (tp + tn) / (tp + fp + fn + tn),
            "precision": tp / (tp + fp),
            "recall": tp / (tp + fn),
            "f1": np.where(tp + fn > 0, 2 * tp / (2 * tp + fp + fn), np.nan),
        }


def average_precision(scores: Floats, anomalous: Flags, weights: Floats | None = None) -> float:
    """Average precision by score, with sessions of equal score taken together; NaN if there are no anomalies.

    Sum over thresholds of (recall step) x precision, as in scikit-learn's `average_precision_score`. `weights` are the
    numbers of times each session counts, shape S.
    """
    weights = np.ones(len(scores)) if weights is None else weights
    return _average_precision(_steps(scores, anomalous), anomalous, weights)


def precision_recall(scores: Floats, anomalous: Flags) -> tuple[Floats, Floats, Floats]:
    """Score, precision and recall at every threshold, from the highest score down; recall is NaN without anomalies."""
    order, ends = _thresholds(scores)
    found = np.cumsum(anomalous[order])[ends]
    with np.errstate(invalid="ignore"):
        return scores[order][ends], found / (ends + 1), found / anomalous.sum()


def wilson(successes: int, trials: int, z: float = Z95) -> tuple[float | None, float | None]:
    """Wilson's 95 % interval of a share (Wilson 1927); (None, None) without trials."""
    if trials == 0:
        return None, None
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half))  # rounding must not cross the share


def with_intervals(flagged: Flags, anomalous: Flags, blocks: Blocks, seed: int = 0) -> dict[str, Any]:
    """accuracy, precision, recall and F1, each {value, low, high}: 95 % bootstrap over `blocks` (Künsch 1989)."""
    names = ("accuracy", "precision", "recall", "f1")
    if not len(flagged):
        return {name: _metric(math.nan, np.empty(0)) for name in names}
    cases_4S = np.stack(_cases(flagged, anomalous)).astype(np.int64)
    values = rates(*cases_4S.sum(axis=1, keepdims=True).astype(np.float64))
    tables_4U, times_U = np.unique(blocks.sums(cases_4S), axis=1, return_counts=True)  # blocks with equal tables
    drawn_RU = np.random.default_rng(seed).multinomial(blocks.count, times_U / blocks.count, BOOTSTRAP_SAMPLES)
    samples = rates(*(tables_4U @ drawn_RU.T).astype(np.float64))
    return {name: _metric(float(values[name][0]), samples[name]) for name in names}


def average_precision_with_interval(scores: Floats, anomalous: Flags, blocks: Blocks, seed: int = 0) -> dict[str, Any]:
    """Average precision as {value, low, high}: 95 % bootstrap over `blocks`."""
    if not anomalous.any():
        return _metric(math.nan, np.empty(0))
    steps_S, draws = _steps(scores, anomalous), blocks.draws(BOOTSTRAP_RANKINGS, seed)
    samples = [_average_precision(steps_S, anomalous, times_S) for times_S in draws]
    return _metric(_average_precision(steps_S, anomalous, np.ones(len(scores))), np.array(samples))


def share(successes: int, trials: int, per: float = 1.0) -> dict[str, Any]:
    """A share times `per` as {value, low, high} with Wilson's interval."""
    low, high = wilson(successes, trials)
    return {
        "value": per * successes / trials if trials else None,
        "low": None if low is None else per * low,
        "high": None if high is None else per * high,
    }


def rate_per_hour(events: int, hours: float | None) -> dict[str, Any]:
    """Events per hour as {value, low, high}, null where no time is known.

    The interval is Byar's approximation to the exact one of a Poisson count (Rothman and Boice 1979).
    """
    if not hours:
        return {"value": None, "low": None, "high": None}
    low, high = (_byar(events, -Z95) if events else 0.0), _byar(events + 1, Z95)
    return {"value": events / hours, "low": low / hours, "high": high / hours}


def _byar(events: int, z: float) -> float:
    return events * (1 - 1 / (9 * events) + z / (3 * math.sqrt(events))) ** 3


def _cases(flagged: Flags, anomalous: Flags) -> tuple[Flags, Flags, Flags, Flags]:
    """True and false positives, false and true negatives, each of shape S."""
    return flagged & anomalous, flagged & ~anomalous, ~flagged & anomalous, ~flagged & ~anomalous


def _thresholds(scores: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The sessions by falling score, and where in that order each group of equal scores ends."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.nonzero(np.diff(scores[order]))[0], len(order) - 1)


def _steps(scores: Floats, anomalous: Flags) -> NDArray[np.int64]:
    """For each session the number of distinct scores of anomalies that are higher than its own; shape S."""
    levels = np.unique(scores[anomalous])[::-1]
    return np.searchsorted(-levels, -scores, side="left")


def _average_precision(steps_S: NDArray[np.int64], anomalous: Flags, weights: Floats) -> float:
    """`steps_S` as `_steps` gives them: only thresholds that an anomaly has add anything."""
    number = int(steps_S[anomalous].max(initial=-1)) + 1
    found = np.bincount(steps_S[anomalous], weights[anomalous], minlength=number)
    found_so_far = np.cumsum(found)
    if not number or not found_so_far[-1]:
        return math.nan
    flagged = np.cumsum(np.bincount(steps_S, weights, minlength=number)[:number])
    return float((found * found_so_far / np.maximum(flagged, 1e-300)).sum() / found_so_far[-1])


def _metric(value: float, samples: Floats) -> dict[str, float | None]:
    samples = samples[~np.isnan(samples)]
    if math.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(samples, [0.025, 0.975]) if len(samples) else (value, value)
    return {"value": value, "low": float(low), "high": float(high)}
