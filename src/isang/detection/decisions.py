"""Sessions to decisions, and the calibration that the decisions rest on."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.baselines import BASELINES
from isang.detection.calibration import Decision, combine, decide, fit_tail
from isang.detection.scores import DETECTORS, Floats, score
from isang.logs.store import Dataset
from isang.model.batches import Rows, Sessions, to_sessions


@dataclass(frozen=True)
class Judged:
    """S sessions with what each of D detectors says of them."""

    rows: Rows
    """Which sessions of the dataset they are, shape S."""
    sessions: Sessions
    scores_DS: Floats
    p_values_DS: Floats
    decisions: list[Decision]


def calibrate(model: Model, dataset: Dataset, rows: Rows) -> pl.DataFrame:
    """Scores of the held-out normal sessions `rows`, one column per detector and baseline."""
    sessions = to_sessions(dataset, model.vocabulary, rows)
    columns = {detector.name: score(detector, model, sessions) for detector in DETECTORS}
    columns |= {baseline.name: baseline.score(model, dataset, rows, sessions) for baseline in BASELINES}
    return pl.DataFrame(columns)


def judge(model: Model, dataset: Dataset, rows: Rows | None = None) -> Judged:
    """Decide about the sessions `rows` of `dataset` (all where None), within the model's alert budget."""
    if rows is None:
        rows = np.arange(len(dataset.sessions), dtype=np.int64)
    sessions = to_sessions(dataset, model.vocabulary, rows)
    return Judged(rows, sessions, *judge_sessions(model, sessions))


def judge_sessions(model: Model, sessions: Sessions) -> tuple[Floats, Floats, list[Decision]]:
    """Scores and p-values of each detector, both of shape (D, S), and the decisions; equal sessions are scored once."""
    distinct, inverse = sessions.distinct()
    scores_DS = np.stack([detector.score(model, distinct)[inverse] for detector in DETECTORS])
    tails = [fit_tail(model.calibration[detector.name].to_numpy(), detector.resolution) for detector in DETECTORS]
    p_values_DS = np.stack([tail.p_values(scores_S) for tail, scores_S in zip(tails, scores_DS, strict=True)])
    return scores_DS, p_values_DS, decide(combine(p_values_DS), model.config.detection.alerts_per_thousand)
