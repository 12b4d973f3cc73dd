"""The data of an evaluation's pictures: the precision-recall curve and the scores of both classes."""

import math
from typing import Any

import numpy as np

from isang.detection.evaluation.metrics import Flags, Floats, precision_recall

CURVE_POINTS = 200
"""Points of the precision-recall curve, at most."""
SCORE_BINS = 60
HIGHEST_SCORE = 20.0
"""Higher scores fall into the last bin."""


def curves(scores: Floats, labelled: Flags, anomalous: Flags) -> dict[str, Any]:
    """The curve over all thresholds, thinned evenly along recall, and histograms of the scores of each class.

    `scores` are -log10 of the p-value; all three have shape S. Without anomalies there is no curve.
    """
    top = min(HIGHEST_SCORE, max(1.0, math.ceil(float(scores.max(initial=1.0)))))
    edges = np.linspace(0, top, SCORE_BINS + 1)
    classes = {"normal": labelled & ~anomalous, "anomalous": anomalous, "unlabelled": ~labelled}
    counted = {name: np.histogram(scores[of].clip(0, top), edges)[0].tolist() for name, of in classes.items()}
    return {
        "precision_recall": _curve(scores[labelled], anomalous[labelled]) if anomalous.any() else None,
        "scores": {"edges": edges.tolist(), **counted},
    }


def _curve(scores: Floats, anomalous: Flags) -> dict[str, Any]:
    thresholds, precision, recall = precision_recall(scores, anomalous)
    kept = _thinned(recall)
    return {
        "score": thresholds[kept].tolist(),
        "precision": precision[kept].tolist(),
        "recall": recall[kept].tolist(),
    }


def _thinned(recall: Floats) -> "np.ndarray[Any, np.dtype[np.int64]]":
    """The last point of each small step in recall, which includes all the false alarms that it cost, and both ends."""
    step = np.floor(recall * CURVE_POINTS)
    last = np.append(np.diff(step) > 0, True)
    last[0] = True
    return np.nonzero(last)[0]
