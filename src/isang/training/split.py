"""Which sessions the model may learn from: the first part by time, normal ones only."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from isang.config import TrainingConfig
from isang.errors import InputError
from isang.logs.store import Dataset
from isang.model.batches import Rows

MIN_TRAINING_SESSIONS = 10
"""Minimum number of normal sessions: fewer cannot be split usefully into training and validation."""


LEAST_TO_CALIBRATE = 50
"""Minimum number of normal sessions in the training period to calibrate an alert budget: a fifth of them is held out,
and thresholds from fewer than ten sessions raise alerts at random."""

LEAST_FOR_ENCODER = 700
"""Minimum number of normal sessions in the training period for an encoder by default. Measured on small logs: with 200
and 500 sessions the statistical detectors alone had a higher F1 and fewer false alarms, and took seconds; with 1,000
there was no difference (benchmarks/small_logs.py)."""


@dataclass(frozen=True)
class Split:
    """Row numbers of the dataset; the sessions of each part start before those of the next."""

    train: Rows
    validation: Rows
    later: Rows
    """Everything after the training period, labelled anomalous or not."""
    left_out: int
    """Number of sessions in the training period excluded because they are labelled anomalous."""
    since: datetime | None
    """Start of the first session; None if the data has no timestamps."""
    until: datetime | None
    """Latest start of a session in the training period; None if the data has no timestamps."""


def enough_to_calibrate(dataset: Dataset, config: TrainingConfig) -> bool:
    """Whether the training period holds at least LEAST_TO_CALIBRATE normal sessions."""
    return _normal(dataset, config) >= LEAST_TO_CALIBRATE


def enough_for_encoder(dataset: Dataset, config: TrainingConfig) -> bool:
    """Whether the training period holds at least LEAST_FOR_ENCODER normal sessions."""
    return _normal(dataset, config) >= LEAST_FOR_ENCODER


def _normal(dataset: Dataset, config: TrainingConfig) -> int:
    """Sessions of the training period that no label calls anomalous."""
    period = max(1, int(len(dataset.sessions) * config.train_fraction))
    return period - int(dataset.sessions["label"].head(period).sum() or 0)


def split_by_time(dataset: Dataset, config: TrainingConfig) -> Split:
    """Split the sessions of `dataset`, which are sorted by start time; those without one come last."""
    sessions = dataset.sessions
    period = max(1, int(len(sessions) * config.train_fraction))
    starts = sessions["start"]
    dated = starts[:period].drop_nulls()
    until: datetime | None = dated[-1] if len(dated) else None
    if starts[period - 1] is not None:  # sessions that start at the same moment belong to one side
        period = int((starts <= until).sum())
    anomalous: NDArray[np.bool_] = sessions["label"].fill_null(False).to_numpy()
    inside = np.arange(period, dtype=np.int64)
    normal = inside[~anomalous[:period]]
    validation = max(1, int(len(normal) * config.validation_fraction))
    if len(normal) < MIN_TRAINING_SESSIONS:
        raise InputError(
            f"the training period holds {period:,} of {len(sessions):,} sessions, {period - len(normal):,} of them "
            f"labelled anomalous, and of the others at least {MIN_TRAINING_SESSIONS} are needed; give more "
            f"logs, a larger --train-fraction, or smaller sessions; without a model, isang run shows what a log this "
            f"small contains, and isang compare shows what it has that a good log lacks"
        )
    return Split(
        train=normal[:-validation],
        validation=normal[-validation:],
        later=np.arange(period, len(sessions), dtype=np.int64),
        left_out=period - len(normal),
        since=starts[0],
        until=until,
    )
