"""Sessions of the training period that may be anomalies nobody labelled."""

import math

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.config import DetectionConfig
from isang.detection.calibration import fit_tail
from isang.detection.scores import DETECTORS

UNTRUSTED_SHARE = 0.02
"""The highest scores of each detector, so many of them, do not say what is normal while suspects are looked for."""
LEAST_SESSIONS = 2_000
"""Among fewer sessions none is a suspect: without the highest scores too little would be known of what is normal."""


def suspects(calibration: pl.DataFrame, unlabelled: NDArray[np.bool_], config: DetectionConfig) -> NDArray[np.bool_]:
    """Which rows of `calibration` would be alerts if the highest scores were not there, shape: rows.

    Only sessions that no label calls normal are suspects, at most the share `config.contamination` of all, the
    strangest first: one anomaly among the calibration sessions would raise a threshold above all its like.
    """
    most = int(config.contamination * len(calibration))
    chosen = np.zeros(len(calibration), dtype=bool)
    if len(calibration) < LEAST_SESSIONS or not most:
        return chosen
    part = config.alerts_per_thousand / 1000 / len(DETECTORS)
    strangest = np.full(len(calibration), np.inf)  # the smallest p-value as a multiple of what is an alert
    for detector in DETECTORS:
        held_out = calibration[detector.name].is_not_null().to_numpy()
        scores = calibration[detector.name].drop_nulls().to_numpy()
        untrusted = min(math.ceil(UNTRUSTED_SHARE * len(scores)), len(scores) - 1)
        trusted = np.sort(np.argsort(scores, kind="stable")[: len(scores) - untrusted])  # in the order of time
        tail = fit_tail(scores[trusted], detector.least_scale, detector.allowance)
        p_values = tail.p_values(scores) * untrusted  # for so many lie beyond the highest trusted score
        strangest[held_out] = np.minimum(strangest[held_out], p_values / tail.share(part))
    found = np.nonzero((strangest <= 1) & unlabelled)[0]
    chosen[found[np.argsort(strangest[found], kind="stable")][:most]] = True
    return chosen
