"""Models that differ from another in what their detectors learned, and sessions judged without a dataset."""

from dataclasses import replace

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors import DETECTORS, fit
from isang.detection.detectors.contract import Detector, Evidence
from isang.detection.detectors.timed_sessions import untimed
from isang.detection.threshold.decisions import Judged, judge_evidence
from isang.model.batches import Floats, Sessions
from isang.model.fitted import Fitted
from isang.model.vocabulary import MASK


def named(name: str) -> Detector:
    return next(detector for detector in DETECTORS if detector.name == name)


def with_normal(model: Model, normal: Sessions, counts: np.ndarray | None = None) -> Model:
    """The model as if these had been its normal sessions, without times."""
    times = np.ones(len(normal), dtype=np.int64) if counts is None else counts
    sessions = replace(untimed(normal, model.vocabulary.size), represents=(normal, times))
    return replace(model, fitted=fit(DETECTORS, sessions))


def with_table(model: Model, name: str, table: pl.DataFrame) -> Model:
    """The model with another table for one detector."""
    fitted = model.fitted
    return replace(model, fitted=Fitted(fitted.normal, fitted.counts, fitted.size, {**fitted, name: table}))


def without_clock(model: Model) -> Model:
    """The model as if the times of its normal sessions were not known."""
    for name in ("time_gap", "burst", "event_counts"):
        model = with_table(model, name, model.fitted[name].clear())
    return model


def seen(model: Model, sessions: Sessions, gaps_T: Floats | None = None) -> Evidence:
    return Evidence(model, untimed(sessions, model.vocabulary.size, gaps_T))


def judged_alone(model: Model, sessions: Sessions) -> Judged:
    """Sessions that no dataset holds; those with an open end may go on."""
    evidence = seen(model, sessions)
    open_S = sessions.flat[sessions.offsets[1:] - 1] == MASK
    return Judged(np.arange(len(sessions)), evidence.timed, evidence, open_S, *judge_evidence(evidence))
