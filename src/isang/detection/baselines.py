"""Trivial detectors, always reported beside the model: what a better one must beat, and often does not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.scores import Floats, nearest_normal
from isang.logs.store import Dataset
from isang.model.batches import Rows, Sessions

ERROR_LEVELS = (
    "ERROR",
    "ERR",
    "SEVERE",
    "FATAL",
    "CRITICAL",
    "CRIT",
    "ALERT",
    "EMERG",
    "EMERGENCY",
    "PANIC",
    "FAILURE",
)
"""Levels that mean an error in the log formats that are recognised."""


@dataclass(frozen=True)
class Baseline:
    """A rule that needs no network: scores of the sessions `rows` of a dataset, higher is stranger."""

    name: str
    score: Callable[[Model, Dataset, Rows, Sessions], Floats]
    resolution: float


def everything(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Every session is flagged."""
    return np.ones(len(sessions))


def error_line(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Number of lines at an error level."""
    levels = dataset.templates.filter(pl.col("level").str.to_uppercase().is_in(ERROR_LEVELS))["event"]
    events = dataset.sessions["events"].gather(rows)
    errors = events.list.eval(pl.element().is_in(levels.implode()).cast(pl.Int32)).list.sum()
    return errors.fill_null(0).to_numpy().astype(np.float64)


def length(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """How far the number of events is from the median of the normal sessions."""
    sizes = np.repeat(model.normal.lengths, model.normal_counts)
    return np.abs(sessions.lengths - np.median(sizes)).astype(np.float64)


def count_vector(model: Model, dataset: Dataset, rows: Rows, sessions: Sessions) -> Floats:
    """Plain distance of the event counts to those of the nearest normal session."""
    distinct, inverse = sessions.distinct()
    return nearest_normal(model, distinct, weighted=False)[0][inverse]


BASELINES = (
    Baseline("flag_everything", everything, 1.0),
    Baseline("error_line", error_line, 1.0),
    Baseline("length", length, 1.0),
    Baseline("count_vector", count_vector, 0.02),
)
"""Beside them each detector of `scores.DETECTORS` is reported alone; of these `unseen_event` and `transition` (2-gram)
are trivial rules too, with which published models are rarely compared."""
