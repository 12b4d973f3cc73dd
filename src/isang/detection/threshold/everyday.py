"""Alerts that normal stretches of the training period raise repeatedly: a failed calibration, detected without labels.

Shapes: D detectors, N sessions of the training period in order of time, K stretches.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.detection.detectors.contract import Detector
from isang.detection.threshold.calibration import fit_tail
from isang.model.batches import Floats

QUIET_SHARE = 0.8
"""Minimum share of normal stretches without an alert, each as long as the budget allows one alert in."""
LEAST_STRETCHES = 8
"""Minimum number of stretches for this check."""


def everyday(
    detectors: Sequence[Detector], calibration: pl.DataFrame, suspected: NDArray[np.bool_], alerts_per_thousand: float
) -> list[str]:
    """The names of the detectors whose suspects are typical of normal stretches, those that alert most often first.

    Suspects set no threshold, as they may be unlabelled anomalies. But if more than one stretch in five would raise an
    alert for them, users who asked for few alerts would get alerts about normal behaviour: the detector that alerts in
    the most stretches then trusts all its sessions, then the next, until QUIET_SHARE of the stretches is quiet.
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
    """Which sessions the detector would flag if the suspects were left out; shape N."""
    scores: Floats = calibration[detector.name].fill_null(-np.inf).to_numpy()
    known = np.isfinite(scores)
    alerts = np.zeros(len(scores), dtype=np.int64)
    if (known & ~suspected).any():
        tail = fit_tail(scores[known & ~suspected], detector.least_scale, detector.allowance)
        alerts[known] = tail.p_values(scores[known]) <= tail.share(part)
    return alerts
