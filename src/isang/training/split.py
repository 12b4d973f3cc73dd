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
"""Fewer cannot be split into training and validation with any sense."""


@dataclass(frozen=True)
class Split:
    """Rows of the dataset; the sessions of each part start before those of the next."""

    train: Rows
    validation: Rows
    later: Rows
    """Everything after the training period, labelled anomalous or not."""
    left_out: int
    """Sessions of the training period that are labelled anomalous and so were not learned from."""
    since: datetime | None
    """Start of the first session; None where the data has no clock."""
    until: datetime | None
    """The latest start of a session of the training period; None where the data has no clock."""


def split_by_time(dataset: Dataset, config: TrainingConfig) -> Split:
    """Split the sessions of `dataset`, which are sorted by their start; those without one come last."""
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
            f"logs, a larger --train-fraction, or smaller sessions"
        )
    return Split(
        train=normal[:-validation],
        validation=normal[-validation:],
        later=np.arange(period, len(sessions), dtype=np.int64),
        left_out=period - len(normal),
        since=starts[0],
        until=until,
    )
