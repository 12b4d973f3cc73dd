"""Training sessions that may be unlabelled anomalies."""

import math
from collections.abc import Collection, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.config import DetectionConfig
from isang.detection.detectors.contract import Detector
from isang.detection.threshold.calibration import fit_tail
from isang.model.batches import Floats

MOSTLY_LABELLED = 0.5
"""If more than this share of the sessions is labelled normal, only these define what is normal."""
UNTRUSTED_SHARE = 0.02
"""Otherwise this share of the highest scores of each detector is not trusted while suspects are searched for."""
LEAST_SESSIONS = 2_000
"""In that case, minimum number of sessions to suspect any: with fewer, too little would be known of what is normal
without the highest scores."""


def suspects(
    detectors: Sequence[Detector],
    calibration: pl.DataFrame,
    unlabelled: NDArray[np.bool_],
    config: DetectionConfig,
    powerless: Collection[str] = (),
) -> NDArray[np.bool_]:
    """Which rows of `calibration`, scores in order of time, are excluded from thresholds, shape: rows.

    One anomaly among the calibration sessions would raise a threshold above all similar ones. So suspects are the
    `unlabelled` sessions that would raise alerts relative to the trusted ones. If most sessions are labelled normal,
    these are trusted, and any number may be suspects; otherwise all but the highest scores are trusted, and at most the
    share `config.contamination` of all are suspects, the most anomalous first. Then the detectors in `powerless`, which
    find hardly any planted anomalies, suspect none: what they flag is mostly normal, and would raise an alert whenever
    it recurs.
    """
    part = config.alerts_per_thousand / 1000 / len(detectors)
    if config.contamination and _mostly_labelled(detectors, calibration, unlabelled):
        return unlabelled & (_strangest(detectors, calibration, part, ~unlabelled) <= 1)
    most = int(config.contamination * len(calibration))
    chosen = np.zeros(len(calibration), dtype=bool)
    if len(calibration) < LEAST_SESSIONS or not most:
        return chosen
    accusing = [detector for detector in detectors if detector.name not in powerless]
    strangest = _strangest(accusing, calibration, part, None)
    found = np.nonzero((strangest <= 1) & unlabelled)[0]
    chosen[found[np.argsort(strangest[found], kind="stable")][:most]] = True
    return chosen


def without_suspects(
    detectors: Sequence[Detector],
    calibration: pl.DataFrame,
    suspected: NDArray[np.bool_],
    everyday: Sequence[str] = (),
) -> pl.DataFrame:
    """The rows of `calibration` that are not `suspected`; all of them for the detectors `everyday`.

    A suspect whose score by a detector is `unsuspicious` still counts for that detector: that a quiet new line appears,
    and surprises all other detectors, is part of what is normal. Its other columns are null.
    """
    kept, columns = ~suspected, []
    for name in calibration.columns:
        known = ~suspected
        for detector in detectors:
            if detector.name == name and name in everyday:
                known = np.ones(len(suspected), dtype=bool)
            elif detector.name == name and detector.unsuspicious > 0:
                scores = calibration[name].fill_null(0.0).to_numpy()
                known = known | ((scores > 0) & (scores <= detector.unsuspicious))
        kept |= known
        columns.append(pl.when(pl.Series(known)).then(pl.col(name)).alias(name))
    return calibration.with_columns(columns).filter(pl.Series(kept))


def _mostly_labelled(detectors: Sequence[Detector], calibration: pl.DataFrame, unlabelled: NDArray[np.bool_]) -> bool:
    """Whether enough of the sessions scored by each detector are labelled normal."""
    scored = [calibration[detector.name].is_not_null().to_numpy() for detector in detectors]
    return all((~unlabelled[rows]).sum() > MOSTLY_LABELLED * rows.sum() for rows in scored)


def _strangest(
    detectors: Sequence[Detector], calibration: pl.DataFrame, part: float, normal: NDArray[np.bool_] | None
) -> Floats:
    """The smallest p-value of each row as a multiple of its alert limit, if each detector may alert for `part`.

    The rows `normal` are trusted; None: all but the highest scores of each detector.
    """
    strangest = np.full(len(calibration), np.inf)
    for detector in detectors:
        rows = calibration[detector.name].is_not_null().to_numpy()
        scores = calibration[detector.name].drop_nulls().to_numpy()
        beyond = 1  # known sessions beyond the highest trusted score per session that a tail expects there
        if normal is None:
            beyond = min(math.ceil(UNTRUSTED_SHARE * len(scores)), len(scores) - 1)
            trusted = np.sort(np.argsort(scores, kind="stable")[: len(scores) - beyond])  # in order of time
        else:
            trusted = np.flatnonzero(normal[rows])
        tail = fit_tail(scores[trusted], detector.least_scale, detector.allowance)
        times_limit = tail.p_values(scores) * beyond / tail.share(part)
        times_limit[scores <= detector.unsuspicious] = np.inf
        strangest[rows] = np.minimum(strangest[rows], times_limit)
    return strangest
