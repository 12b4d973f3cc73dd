"""Detection quality as pure functions; what is undefined stays undefined."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

BOOTSTRAP_SAMPLES = 2_000
BOOTSTRAP_RANKINGS = 200
"""Average precision needs a ranking per sample, so fewer samples are drawn."""


@dataclass(frozen=True)
class Counts:
    """The confusion table."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int


def confusion(flagged: Flags, anomalous: Flags) -> Counts:
    """Count the four cases; both arrays have shape S."""
    return Counts(
        true_positives=int((flagged & anomalous).sum()),
        false_positives=int((flagged & ~anomalous).sum()),
        false_negatives=int((~flagged & anomalous).sum()),
        true_negatives=int((~flagged & ~anomalous).sum()),
    )


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


def average_precision(scores: Floats, anomalous: Flags) -> float:
    """Mean precision over the anomalies by score, sessions of equal score taken together; NaN where there are none.

    Sum over thresholds of (recall step) x precision, as in scikit-learn's `average_precision_score`.
    """
    if not anomalous.any():
        return math.nan
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.nonzero(np.diff(scores[order]))[0], len(order) - 1)
    found = np.cumsum(anomalous[order])[ends]
    return float((np.diff(found, prepend=0) * found / (ends + 1)).sum() / found[-1])


def wilson(successes: int, trials: int, z: float = 1.959963984540054) -> tuple[float | None, float | None]:
    """Wilson's 95 % interval of a share (Wilson 1927); (None, None) without trials."""
    if trials == 0:
        return None, None
    share = successes / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, centre - half), min(1.0, centre + half)


def with_intervals(counts: Counts, seed: int = 0) -> dict[str, dict[str, float | None]]:
    """accuracy, precision, recall and F1, each {value, low, high}: 95 % bootstrap over sessions (Efron 1979)."""
    cells = np.array([counts.true_positives, counts.false_positives, counts.false_negatives, counts.true_negatives])
    total = int(cells.sum())
    if total == 0:
        return {name: _metric(math.nan, np.empty(0)) for name in ("accuracy", "precision", "recall", "f1")}
    values = rates(*cells.astype(np.float64)[:, None])
    drawn = np.random.default_rng(seed).multinomial(total, cells / total, BOOTSTRAP_SAMPLES).astype(np.float64)
    samples = rates(*drawn.T)
    return {name: _metric(float(values[name][0]), samples[name]) for name in values}


def average_precision_with_interval(scores: Floats, anomalous: Flags, seed: int = 0) -> dict[str, float | None]:
    """Average precision as {value, low, high}: 95 % bootstrap over sessions."""
    generator = np.random.default_rng(seed)
    samples = []
    for _ in range(BOOTSTRAP_RANKINGS if anomalous.any() else 0):
        drawn = generator.integers(0, len(scores), len(scores))
        samples.append(average_precision(scores[drawn], anomalous[drawn]))
    return _metric(average_precision(scores, anomalous), np.array(samples))


def share(successes: int, trials: int, per: float = 1.0) -> dict[str, Any]:
    """A share times `per` as {value, low, high} with Wilson's interval."""
    low, high = wilson(successes, trials)
    return {
        "value": per * successes / trials if trials else None,
        "low": None if low is None else per * low,
        "high": None if high is None else per * high,
    }


def _metric(value: float, samples: Floats) -> dict[str, float | None]:
    samples = samples[~np.isnan(samples)]
    if math.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = np.quantile(samples, [0.025, 0.975]) if len(samples) else (value, value)
    return {"value": value, "low": float(low), "high": float(high)}
