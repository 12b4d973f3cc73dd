"""Alerts that normal stretches of the training period raise again and again: a calibration that has failed, seen
without labels.

Shapes: D detectors, N sessions of the training period in the order of time, K stretches.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.detectors.contract import Detector
from isang.detection.threshold.calibration import fit_tail
from isang.model.batches import Floats

QUIET_SHARE = 0.8
"""Of stretches of normal sessions, each as long as the budget allows one alert in, so many should raise none."""
LEAST_STRETCHES = 8
"""From fewer stretches nothing is said about most of them."""


def everyday(
    detectors: Sequence[Detector], calibration: pl.DataFrame, suspected: NDArray[np.bool_], alerts_per_thousand: float
) -> list[str]:
    """The detectors whose suspects are how normal stretches are, by name, those that alert most often first.

    Suspects set no threshold, as they may be anomalies that nobody labelled. But where more than one stretch in five
    would raise an alert for them, a person who asked for few alerts would be told of what is normal here: the detector
    that speaks in most stretches trusts all its sessions, then the next, until QUIET_SHARE of the stretches is quiet.
    """
    stretches = len(calibration) * alerts_per_thousand // 1000
    if not suspected.any() or stretches < LEAST_STRETCHES:
        return []
    edges = np.linspace(0, len(calibration), int(stretches) + 1).astype(np.int64)
    part = alerts_per_thousand / 1000 / len(detectors)
    speaks_DK = np.stack(
        [np.add.reduceat(_alerts(detector, calibration, suspected, part), edges[:-1]) > 0 for detector in detectors]
    )
    names: list[str] = []
    while speaks_DK.any(axis=0).mean() > 1 - QUIET_SHARE:
        most = int(speaks_DK.sum(axis=1).argmax())
        names.append(detectors[most].name)
        speaks_DK[most] = False
    return names


def _alerts(
    detector: Detector, calibration: pl.DataFrame, suspected: NDArray[np.bool_], part: float
) -> NDArray[np.int64]:
    """Which sessions the detector would speak for, were the suspects left out; shape N."""
    scores: Floats = calibration[detector.name].fill_null(-np.inf).to_numpy()
    known = np.isfinite(scores)
    alerts = np.zeros(len(scores), dtype=np.int64)
    if (known & ~suspected).any():
        tail = fit_tail(scores[known & ~suspected], detector.least_scale, detector.allowance)
        alerts[known] = tail.p_values(scores[known]) <= tail.share(part)
    return alerts
