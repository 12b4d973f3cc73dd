"""How good the detector is, on sessions that came after its training period."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.detectors.baselines import BASELINES, unseen_template
from isang.detection.detectors.open_ends import closed
from isang.detection.evaluation.block_bootstrap import Blocks, time_blocks
from isang.detection.evaluation.choice import choice
from isang.detection.evaluation.delay import detection_delay, hours_watched
from isang.detection.evaluation.drift import drift, other_logs, rewording_facts
from isang.detection.evaluation.metrics import (
    Flags,
    average_precision_with_interval,
    confusion,
    rate_per_hour,
    rates,
    share,
    with_intervals,
)
from isang.detection.evaluation.quality_curves import curves
from isang.detection.evaluation.synthetic_anomalies import plant
from isang.detection.releases.rewordings import Rewording, judge_reworded
from isang.detection.threshold.calibration import attainable_per_thousand, fit_tail
from isang.detection.threshold.decisions import Judged, calibration_scores, decide_at, detectors_in_effect, tails
from isang.errors import InputError
from isang.logs.store import Dataset
from isang.model.batches import Floats, Rows

SCHEMA = 1
ASKED_BUDGETS = (1.0, 10.0)
"""False alarms per 1,000 sessions at which it is measured how well the budget held, beside the model's own budget."""


def later_sessions(model: Model, dataset: Dataset, fingerprint: str | None = None) -> Rows:
    """The sessions of `dataset` that do not belong to the model's training period.

    Where the `fingerprint` says that it is the dataset that the model was trained on, those behind the period, with a
    time or without; of another one those that do not start within it.
    """
    starts = dataset.sessions["start"]
    first, last = model.facts["trained_from"], model.facts["trained_until"]
    if fingerprint == model.facts["dataset"]:
        rows = np.arange(int(model.facts["period_sessions"]), len(starts), dtype=np.int64)
    elif first is not None:
        period = pl.lit(first).str.to_datetime(time_zone="UTC"), pl.lit(last).str.to_datetime(time_zone="UTC")
        outside = dataset.sessions.select(~pl.col("start").is_between(*period).fill_null(False))["start"]
        rows = np.nonzero(outside.to_numpy())[0].astype(np.int64)
    else:
        rows = np.arange(len(starts), dtype=np.int64)
    if not len(rows):
        raise InputError(
            f"all {len(starts):,} sessions lie within the model's training period ({first} to {last}); evaluate on "
            f"logs from another time"
        )
    return rows


@dataclass(frozen=True)
class Later:
    """S sessions after the training period: what was decided about them and what the labels say."""

    model: Model
    dataset: Dataset
    judged: Judged
    labelled: Flags
    anomalous: Flags
    """Labelled anomalous, shape S."""
    blocks: Blocks
    """What the bootstrap draws."""
    rewordings: list[Rewording]

    @property
    def sessions(self) -> pl.DataFrame:
        """Their rows of the dataset."""
        return self.dataset.sessions[self.judged.rows]

    @property
    def normal(self) -> Flags:
        """Labelled normal, shape S."""
        return self.labelled & ~self.anomalous

    @property
    def flagged(self) -> Flags:
        """Decided to be anomalous, shape S."""
        return np.array([decision.anomalous for decision in self.judged.decisions], dtype=bool)

    @property
    def scores(self) -> Floats:
        """-log10 of the p-values, shape S."""
        return np.array([decision.score for decision in self.judged.decisions])


def evaluate(model: Model, dataset: Dataset, fingerprint: str | None = None) -> dict[str, Any]:
    """The content of `evaluation.json`: quality if there are labels, else the alert rate."""
    later = _later(model, dataset, fingerprint)
    model = later.model  # which knows the rewordings
    why_not = _why_not_measured(later)
    evaluation: dict[str, Any] = {
        "schema": SCHEMA,
        "measured": why_not is None,
        "why_not_measured": why_not and why_not[0],
        "why_not_measured_ko": why_not and why_not[1],
        "sessions": _numbers(later),
        "period": _period(later.sessions),
        "intervals": {"drawn": "sessions" if later.blocks.length == 1 else "time blocks",
                      "block_sessions": later.blocks.length},
        "metrics": None,
        "counts": None,
        "kinds": [],
        "false_alarms_per_hour": None,
        "delay": None,
        "detectors": [],
        "baselines": [],
    }  # fmt: skip
    if why_not is None:
        evaluation |= _measured(later)
    asked = model.config.detection.alerts_per_thousand
    evaluation["budget"] = budget = _budget(later, asked, later.flagged)
    evaluation["budgets"] = [_at_budget(later, other) for other in sorted({*ASKED_BUDGETS, asked})]
    evaluation["unseen_events"] = _unseen_events(later)
    expected = max(asked, budget["supported_per_thousand"])
    evaluation["drift"] = drift(model, dataset, later.judged, later.flagged, ~later.anomalous, expected)
    evaluation["rewordings"] = rewording_facts(later.rewordings, dataset)
    evaluation["other_logs"] = other_logs(later.judged)
    evaluation["curves"] = curves(later.scores, later.labelled, later.anomalous)
    evaluation["planted"] = plant(model, dataset, later.judged, ~later.anomalous)
    evaluation["choice"] = choice(model)
    return evaluation


def _later(model: Model, dataset: Dataset, fingerprint: str | None) -> Later:
    rows = later_sessions(model, dataset, fingerprint)
    model, judged, rewordings = judge_reworded(model, dataset, rows)
    labels = dataset.sessions["label"].gather(rows)
    anomalous = labels.fill_null(False).to_numpy()
    flagged = np.array([decision.anomalous for decision in judged.decisions], dtype=bool)
    blocks = time_blocks(anomalous, flagged)
    return Later(model, dataset, judged, labels.is_not_null().to_numpy(), anomalous, blocks, rewordings)


def _why_not_measured(later: Later) -> tuple[str, str] | None:
    """In English and in Korean."""
    if not later.labelled.any():
        return "the sessions after the training period have no labels", "학습 기간 이후의 세션에 라벨이 없습니다"
    if not later.anomalous.any():
        return (
            "no session after the training period is labelled anomalous, so there is nothing to find",
            "학습 기간 이후에 이상으로 라벨된 세션이 없어 찾을 것이 없습니다",
        )
    return None


def _numbers(later: Later) -> dict[str, int]:
    return {
        "evaluated": len(later.labelled),
        "in_training_period": len(later.dataset.sessions) - len(later.labelled),
        "labelled": int(later.labelled.sum()),
        "anomalous": int(later.anomalous.sum()),
        "flagged": int(later.flagged.sum()),
    }


def _measured(later: Later) -> dict[str, Any]:
    """What requires labels: the quality of the combination, then of each detector and each trivial rule."""
    sessions, flagged = later.sessions, later.flagged
    false_alarms = int((flagged & later.normal).sum())
    return {
        **_quality(later, flagged, later.scores),
        "false_alarms_per_hour": rate_per_hour(false_alarms, hours_watched(sessions)),
        "delay": detection_delay(sessions, flagged, later.anomalous),
        "detectors": _detectors(later),
        "baselines": _baselines(later),
    }


def _quality(later: Later, flagged: Flags, scores: Floats) -> dict[str, Any]:
    """Metrics, the confusion table and the share found per kind of fault, over the labelled sessions."""
    known = later.labelled
    flagged_known, anomalous, blocks = flagged[known], later.anomalous[known], later.blocks.of(known)
    metrics = with_intervals(flagged_known, anomalous, blocks)
    metrics["average_precision"] = average_precision_with_interval(scores[known], anomalous, blocks)
    return {"metrics": metrics, "counts": vars(confusion(flagged_known, anomalous)), "kinds": _kinds(later, flagged)}


def _kinds(later: Later, flagged: Flags) -> list[dict[str, Any]]:
    """The share found per kind of fault; empty if no kinds are known."""
    sessions = later.sessions
    if "kind" not in sessions.columns:
        return []
    table = pl.DataFrame({"kind": sessions["kind"], "flagged": flagged}).filter(pl.Series(later.anomalous))
    table = table.drop_nulls("kind").group_by("kind").agg(pl.len(), pl.col("flagged").sum()).sort("kind")
    return [
        {"kind": kind, "sessions": number, "flagged": found, "found": share(found, number)}
        for kind, number, found in table.iter_rows()
    ]


def _detectors(later: Later) -> list[dict[str, Any]]:
    """Each detector with the whole budget to itself."""
    budget, judged = later.model.config.detection.alerts_per_thousand / 1000, later.judged
    return [
        {"name": detector.name, **_quality(later, p_values <= tail.share(budget), scores)}
        for detector, tail, p_values, scores in zip(
            detectors_of(later.model), tails(later.model), judged.p_values_DS, judged.scores_DS, strict=True
        )
    ]


def _baselines(later: Later) -> list[dict[str, Any]]:
    """The trivial rules under the same label-free threshold rule; only `flag_everything` needs no threshold."""
    model, judged = later.model, later.judged
    budget = model.config.detection.alerts_per_thousand / 1000
    results, sessions = [], closed(judged.sessions)  # a trivial rule does not ask whether a session may go on
    for baseline in BASELINES:
        scores = baseline.score(model, later.dataset, judged.rows, sessions)
        tail = fit_tail(calibration_scores(model, baseline.name), baseline.resolution / 4)
        flagged = tail.p_values(scores) <= tail.share(budget) if baseline.name != "flag_everything" else scores > 0
        results.append({"name": baseline.name, **_quality(later, flagged, scores)})
    return results


def _at_budget(later: Later, asked: float) -> dict[str, Any]:
    """The budget, and the quality without intervals, had `asked` false alarms per 1,000 been asked for."""
    decisions = decide_at(later.model, later.judged.p_values_DS, asked)
    flagged, known = np.array([decision.anomalous for decision in decisions], dtype=bool), later.labelled
    table = confusion(flagged[known], later.anomalous[known])
    values = rates(*(np.array([float(cell)]) for cell in vars(table).values()))
    metrics = {name: {"value": None if np.isnan(value[0]) else float(value[0])} for name, value in values.items()}
    return _budget(later, asked, flagged) | {"metrics": metrics if later.anomalous.any() else None}


def _budget(later: Later, asked: float, flagged: Flags) -> dict[str, Any]:
    """What was asked for and what was found. Without labels every alert is counted, so the true figure is lower."""
    held_out_from_all = later.model.calibration.drop_nulls()
    calibration_sessions, normal = len(held_out_from_all), later.normal
    attainable = attainable_per_thousand(calibration_sessions, detectors_in_effect(later.model))
    return {
        "asked_per_thousand": asked,
        "calibration_sessions": calibration_sessions,
        "extrapolated": attainable > asked,
        "supported_per_thousand": attainable,
        "alerts_per_thousand": share(int(flagged.sum()), len(flagged), per=1000),
        "false_alarms_per_thousand": share(int((flagged & normal).sum()), int(normal.sum()), per=1000),
    }


def _unseen_events(later: Later) -> dict[str, Any]:
    """The share of the later events whose template no training session has."""
    judged = later.judged
    new_lines = unseen_template(later.model, later.dataset, judged.rows, judged.sessions)
    return share(int(new_lines.sum()), len(judged.sessions.flat) - 2 * len(judged.rows))


def _period(sessions: pl.DataFrame) -> dict[str, str | None]:
    first, last = sessions["start"].min(), sessions["end"].max()
    return {"from": None if first is None else str(first), "until": None if last is None else str(last)}
