"""How good the detector is, on sessions that came after its training period."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.baselines import BASELINES
from isang.detection.blocks import Blocks, time_blocks
from isang.detection.calibration import attainable_per_thousand, fit_tail
from isang.detection.curves import curves
from isang.detection.decisions import Judged, calibration_scores, judge
from isang.detection.delay import detection_delay, hours_watched
from isang.detection.drift import drift
from isang.detection.metrics import (
    Flags,
    average_precision_with_interval,
    confusion,
    rate_per_hour,
    rates,
    share,
    with_intervals,
)
from isang.detection.planted import plant
from isang.detection.scores import DETECTORS
from isang.detection.surprise import Floats
from isang.errors import InputError
from isang.logs.store import Dataset
from isang.model.batches import Rows
from isang.model.vocabulary import UNSEEN

SCHEMA = 1
ASKED_BUDGETS = (1.0, 10.0)
"""False alarms per 1,000 sessions at which it is measured how well the budget held, beside the model's own budget."""


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
    sessions = dataset.sessions[rows]
    truth = _truth(sessions)
    budget = model.config.detection.alerts_per_thousand
    p_values = np.array([decision.p_value for decision in judged.decisions])
    flagged = np.array([decision.anomalous for decision in judged.decisions], dtype=bool)
    why_not = _why_not_measured(truth)
    blocks = time_blocks(truth.anomalous, flagged)
    evaluation: dict[str, Any] = {
        "schema": SCHEMA,
        "measured": why_not is None,
        "why_not_measured": why_not,
        "sessions": {
            "evaluated": len(rows),
            "in_training_period": len(dataset.sessions) - len(rows),
            "labelled": int(truth.labelled.sum()),
            "anomalous": int(truth.anomalous.sum()),
            "flagged": int(flagged.sum()),
        },
        "period": _period(sessions),
        "budget": _budget(model, budget, flagged, truth),
        "budgets": [_at_budget(model, asked, p_values, truth) for asked in sorted({*ASKED_BUDGETS, budget})],
        "intervals": {"drawn": "sessions" if blocks.length == 1 else "time blocks", "block_sessions": blocks.length},
        "unseen_events": share(int((judged.sessions.flat == UNSEEN).sum()), len(judged.sessions.flat) - 2 * len(rows)),
        "drift": drift(model, dataset, judged, flagged, ~truth.anomalous),
        "metrics": None,
        "counts": None,
        "kinds": [],
        "false_alarms_per_hour": None,
        "delay": None,
        "curves": None,
        "planted": plant(model, dataset, judged, ~truth.anomalous),
        "detectors": [],
        "baselines": [],
    }
    if why_not is None:
        evaluation |= _measured(model, dataset, judged, truth, flagged, blocks)
    return evaluation


@dataclass(frozen=True)
class Truth:
    """What the labels say of S sessions."""

    labelled: Flags
    anomalous: Flags
    """Labelled anomalous, shape S."""
    kinds: pl.Series
    """The kind of fault, null where it is not known, shape S."""

    @property
    def normal(self) -> Flags:
        """Labelled normal, shape S."""
        return self.labelled & ~self.anomalous


def _truth(sessions: pl.DataFrame) -> Truth:
    labels = sessions["label"]
    unknown = pl.Series("kind", [None] * len(sessions), dtype=pl.String)
    kinds = sessions["kind"] if "kind" in sessions.columns else unknown
    return Truth(labels.is_not_null().to_numpy(), labels.fill_null(False).to_numpy(), kinds)


def _why_not_measured(truth: Truth) -> str | None:
    if not truth.labelled.any():
        return "the sessions after the training period have no labels"
    if not truth.anomalous.any():
        return "no session after the training period is labelled anomalous, so there is nothing to find"
    return None


def _measured(
    model: Model, dataset: Dataset, judged: Judged, truth: Truth, flagged: Flags, blocks: Blocks
) -> dict[str, Any]:
    """What can be said with labels alone: the combination, then each detector and each trivial rule."""
    sessions = dataset.sessions[judged.rows]
    scores = np.array([decision.score for decision in judged.decisions])
    false_alarms = int((flagged & truth.normal).sum())
    return {
        **_quality(flagged, scores, truth, blocks),
        "false_alarms_per_hour": rate_per_hour(false_alarms, hours_watched(sessions)),
        "delay": detection_delay(sessions, flagged, truth.anomalous),
        "curves": curves(scores[truth.labelled], truth.anomalous[truth.labelled]),
        "detectors": _detectors(model, judged, truth, blocks),
        "baselines": _baselines(model, dataset, judged, truth, blocks),
    }


def _quality(flagged: Flags, scores: Floats, truth: Truth, blocks: Blocks) -> dict[str, Any]:
    """Metrics, the confusion table and the share found of each kind of fault, over the labelled sessions."""
    known = truth.labelled
    blocks = blocks.of(known)
    metrics = with_intervals(flagged[known], truth.anomalous[known], blocks)
    metrics["average_precision"] = average_precision_with_interval(scores[known], truth.anomalous[known], blocks)
    counts = confusion(flagged[known], truth.anomalous[known])
    return {"metrics": metrics, "counts": vars(counts), "kinds": _kinds(flagged, truth)}


def _kinds(flagged: Flags, truth: Truth) -> list[dict[str, Any]]:
    """The share found of each kind of fault; empty where no kind is known."""
    table = pl.DataFrame({"kind": truth.kinds, "found": flagged}).filter(pl.Series(truth.anomalous))
    table = table.drop_nulls("kind").group_by("kind").agg(pl.len(), pl.col("found").sum()).sort("kind")
    return [{"kind": kind, "sessions": of, "found": share(found, of)} for kind, of, found in table.iter_rows()]


def _detectors(model: Model, judged: Judged, truth: Truth, blocks: Blocks) -> list[dict[str, Any]]:
    budget = model.config.detection.alerts_per_thousand / 1000
    return [
        {"name": detector.name, **_quality(p_values <= budget, scores, truth, blocks)}
        for detector, p_values, scores in zip(DETECTORS, judged.p_values_DS, judged.scores_DS, strict=True)
    ]


def _baselines(model: Model, dataset: Dataset, judged: Judged, truth: Truth, blocks: Blocks) -> list[dict[str, Any]]:
    """The trivial rules under the same label-free threshold rule; only `flag_everything` needs no threshold."""
    budget = model.config.detection.alerts_per_thousand / 1000
    results = []
    for baseline in BASELINES:
        scores = baseline.score(model, dataset, judged.rows, judged.sessions)
        tail = fit_tail(calibration_scores(model, baseline.name), baseline.resolution)
        flagged = tail.p_values(scores) <= budget if baseline.name != "flag_everything" else scores > 0
        results.append({"name": baseline.name, **_quality(flagged, scores, truth, blocks)})
    return results


def _at_budget(model: Model, asked: float, p_values: Floats, truth: Truth) -> dict[str, Any]:
    """The budget, and the quality without intervals, had `asked` false alarms per 1,000 been asked for."""
    flagged = p_values <= asked / 1000
    known = truth.labelled
    table = confusion(flagged[known], truth.anomalous[known])
    values = rates(*(np.array([float(cell)]) for cell in vars(table).values()))
    metrics = {name: {"value": None if np.isnan(value[0]) else float(value[0])} for name, value in values.items()}
    return _budget(model, asked, flagged, truth) | {"metrics": metrics if truth.anomalous.any() else None}


def _budget(model: Model, asked: float, flagged: Flags, truth: Truth) -> dict[str, Any]:
    """What was asked for and what was found. Without labels every alert is counted, so the true figure is lower."""
    held_out = len(model.calibration.drop_nulls())  # by every detector
    attainable = attainable_per_thousand(held_out, len(DETECTORS))
    return {
        "asked_per_thousand": asked,
        "calibration_sessions": held_out,
        "extrapolated": attainable > asked,
        "supported_per_thousand": attainable,
        "alerts_per_thousand": share(int(flagged.sum()), len(flagged), per=1000),
        "false_alarms_per_thousand": share(int((flagged & truth.normal).sum()), int(truth.normal.sum()), per=1000),
    }


def _period(sessions: pl.DataFrame) -> dict[str, str | None]:
    first, last = sessions["start"].min(), sessions["end"].max()
    return {"from": None if first is None else str(first), "until": None if last is None else str(last)}
