"""How good the detector is, on sessions that came after its training period."""

from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.baselines import BASELINES
from isang.detection.calibration import attainable_per_thousand, fit_tail
from isang.detection.decisions import Judged, judge
from isang.detection.metrics import (
    Flags,
    average_precision_with_interval,
    confusion,
    share,
    with_intervals,
)
from isang.detection.planted import plant
from isang.detection.scores import DETECTORS, Floats
from isang.errors import InputError
from isang.logs.store import Dataset
from isang.model.batches import Rows
from isang.model.vocabulary import UNSEEN

SCHEMA = 1


def later_sessions(model: Model, dataset: Dataset, fingerprint: str | None = None) -> Rows:
    """The sessions of `dataset` that do not start within the model's training period.

    For data without a clock: all but those of the training period, if its `fingerprint` says it is the same dataset.
    """
    starts = dataset.sessions["start"]
    first, last = model.facts["trained_from"], model.facts["trained_until"]
    if first is not None and starts.null_count() < len(starts):
        period = pl.lit(first).str.to_datetime(time_zone="UTC"), pl.lit(last).str.to_datetime(time_zone="UTC")
        outside = dataset.sessions.select(~pl.col("start").is_between(*period).fill_null(False))["start"]
        rows = np.nonzero(outside.to_numpy())[0].astype(np.int64)
    elif fingerprint == model.facts["dataset"]:
        rows = np.arange(int(model.facts["period_sessions"]), len(starts), dtype=np.int64)
    else:
        rows = np.arange(len(starts), dtype=np.int64)
    if not len(rows):
        raise InputError(
            f"all {len(starts):,} sessions lie within the model's training period ({first} to {last}); evaluate on "
            f"logs from another time"
        )
    return rows


def evaluate(model: Model, dataset: Dataset, fingerprint: str | None = None) -> dict[str, Any]:
    """What `evaluation.json` holds: quality where there are labels, the alert rate where there are none."""
    rows = later_sessions(model, dataset, fingerprint)
    judged = judge(model, dataset, rows)
    flagged = np.array([decision.anomalous for decision in judged.decisions], dtype=bool)
    labels = dataset.sessions["label"].gather(rows)
    labelled = labels.is_not_null().to_numpy()
    anomalous: Flags = labels.fill_null(False).to_numpy()
    why_not = _why_not_measured(labelled, anomalous)
    evaluation: dict[str, Any] = {
        "schema": SCHEMA,
        "measured": why_not is None,
        "why_not_measured": why_not,
        "sessions": {
            "evaluated": len(rows),
            "in_training_period": len(dataset.sessions) - len(rows),
            "labelled": int(labelled.sum()),
            "anomalous": int(anomalous.sum()),
            "flagged": int(flagged.sum()),
        },
        "period": _period(dataset, rows),
        "budget": _budget(model, flagged, labelled, anomalous),
        "unseen_events": share(int((judged.sessions.flat == UNSEEN).sum()), len(judged.sessions.flat) - 2 * len(rows)),
        "metrics": None,
        "counts": None,
        "planted": plant(model, judged, ~anomalous),
        "detectors": [],
        "baselines": [],
    }
    if why_not is None:
        scores = np.array([decision.score for decision in judged.decisions])
        evaluation |= _quality(flagged, scores, labelled, anomalous)
        evaluation["detectors"] = _detectors(model, judged, labelled, anomalous)
        evaluation["baselines"] = _baselines(model, dataset, judged, labelled, anomalous)
    return evaluation


def _why_not_measured(labelled: Flags, anomalous: Flags) -> str | None:
    if not labelled.any():
        return "the sessions after the training period have no labels"
    if not anomalous.any():
        return "no session after the training period is labelled anomalous, so there is nothing to find"
    return None


def _quality(flagged: Flags, scores: Floats, labelled: Flags, anomalous: Flags) -> dict[str, Any]:
    table = confusion(flagged[labelled], anomalous[labelled])
    metrics: dict[str, Any] = with_intervals(table)
    metrics["average_precision"] = average_precision_with_interval(scores[labelled], anomalous[labelled])
    return {"metrics": metrics, "counts": vars(table)}


def _detectors(model: Model, judged: Judged, labelled: Flags, anomalous: Flags) -> list[dict[str, Any]]:
    budget = model.config.detection.alerts_per_thousand / 1000
    return [
        {"name": detector.name, **_quality(p_values <= budget, scores, labelled, anomalous)}
        for detector, p_values, scores in zip(DETECTORS, judged.p_values_DS, judged.scores_DS, strict=True)
    ]


def _baselines(
    model: Model, dataset: Dataset, judged: Judged, labelled: Flags, anomalous: Flags
) -> list[dict[str, Any]]:
    """The trivial rules under the same label-free threshold rule; only `flag_everything` needs no threshold."""
    budget = model.config.detection.alerts_per_thousand / 1000
    results = []
    for baseline in BASELINES:
        scores = baseline.score(model, dataset, judged.rows, judged.sessions)
        tail = fit_tail(model.calibration[baseline.name].to_numpy(), baseline.resolution)
        flagged = tail.p_values(scores) <= budget if baseline.name != "flag_everything" else scores > 0
        results.append({"name": baseline.name, **_quality(flagged, scores, labelled, anomalous)})
    return results


def _budget(model: Model, flagged: Flags, labelled: Flags, anomalous: Flags) -> dict[str, Any]:
    """What was asked for and what was found. Without labels every alert is counted, so the true figure is lower."""
    asked = model.config.detection.alerts_per_thousand
    normal = labelled & ~anomalous
    attainable = attainable_per_thousand(len(model.calibration), len(DETECTORS))
    return {
        "asked_per_thousand": asked,
        "calibration_sessions": len(model.calibration),
        "extrapolated": attainable > asked,
        "supported_per_thousand": attainable,
        "alerts_per_thousand": share(int(flagged.sum()), len(flagged), per=1000),
        "false_alarms_per_thousand": share(int((flagged & normal).sum()), int(normal.sum()), per=1000),
    }


def _period(dataset: Dataset, rows: Rows) -> dict[str, str | None]:
    sessions = dataset.sessions[rows]
    first, last = sessions["start"].min(), sessions["end"].max()
    return {"from": None if first is None else str(first), "until": None if last is None else str(last)}
