"""An encoder, or none, becomes a detector: what is normal, how its scores are spread, and facts of its period."""

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.config import Config
from isang.detection.detectors import fit, registered_for
from isang.detection.detectors.timed_sessions import timed_sessions
from isang.detection.evaluation.synthetic_anomalies import plant_held_out
from isang.detection.threshold.decisions import cross_fitted_scores, trusted_scores
from isang.detection.threshold.stretches import held_out_scores
from isang.detection.whole.over_time.known_lines import known_lines
from isang.detection.whole.over_time.lines import lines_of
from isang.detection.whole.over_time.loud_lines import loud_lines
from isang.detection.whole.over_time.volume import counted
from isang.detection.whole.values.new_values import with_few_values
from isang.detection.whole.values.numbers import known_numbers
from isang.detection.whole.values.series import few_values, until
from isang.detection.whole.values.value_lines import lines_by_value
from isang.logs.line_counts import read_line_counts
from isang.logs.slots.slot_series import read_series
from isang.logs.store import Dataset, StoredDataset
from isang.model.batches import Rows, Sessions
from isang.model.encoder import Encoder
from isang.model.folder.log_tables import LOUD_LINES, NUMBERS, VALUE_LINES
from isang.model.vocabulary import Vocabulary
from isang.training.split import Split

MOST_CALIBRATION_SESSIONS = 200_000
"""Maximum number of calibration sessions; the latest are used, since they determine a tail of 1 in 1,000 well, and
millions would take hours to score."""


def make_detector(
    encoder: Encoder | None,
    dataset: StoredDataset,
    split: Split,
    vocabulary: Vocabulary,
    known: Sessions,
    config: Config,
    facts: Mapping[str, Any],
) -> Model:
    """The calibrated model of `known`, the normal sessions of the training period.

    `facts` are facts about the training; the facts of the period are added. The model's settings say whether it has an
    encoder.
    """
    config = replace(config, model=replace(config.model, encoder=encoder is not None))
    normal, place = known.distinct()
    counts = np.bincount(place, minlength=len(normal)).astype(np.int64)
    period, training, held_out = _to_calibrate_on(dataset, split)
    sessions = timed_sessions(period, vocabulary, np.arange(len(period.sessions), dtype=np.int64))
    model = Model(
        encoder=encoder,
        vocabulary=vocabulary,
        config=config,
        rules=dataset.meta.get("rules"),
        template_table=dataset.templates,
        fitted=fit(registered_for(config.model), replace(sessions, represents=(normal, counts))),
        calibration=pl.DataFrame(),
        facts={**_period_facts(dataset, split), "different_normal_sessions": len(normal), **facts},
    )
    model = replace(model, **_of_logs(dataset, period, vocabulary, split))
    return calibrated(model, period, training, held_out)


def _of_logs(dataset: StoredDataset, period: Dataset, vocabulary: Vocabulary, split: Split) -> dict[str, Any]:
    """What is learned from all lines of the training period: rates over time, regularity, and slot values."""
    counts = read_line_counts(dataset.folder)
    end = split.until if len(split.later) else None
    lines = lines_of(period if counts is None else dataset, vocabulary, counts, end)
    tables, slots = {LOUD_LINES: loud_lines(lines)}, None
    series = read_series(dataset.folder)
    if series is not None:
        series = until(series, None if end is None else end.timestamp())
        slots = with_few_values(few_values(series))
        named = series.join(dataset.templates.select("event", "template"), on="event", maintain_order="left")
        of_values = lines_by_value(named)
        tables |= {
            NUMBERS: known_numbers(named),
            VALUE_LINES: None if of_values is None else known_lines(of_values, of_values.names),
        }
    return {
        "volume": counted(lines), "lines": known_lines(lines, vocabulary.templates), "slots": slots,
        "of_logs": {name: table for name, table in tables.items() if table is not None},
    }  # fmt: skip


def calibrated(model: Model, period: Dataset, training: Rows, held_out: Rows) -> Model:
    """The model with what sets its thresholds: scores of normal sessions, and of some with planted anomalies."""
    scores = cross_fitted_scores(model, period, training, held_out)
    model = replace(model, planted=plant_held_out(model, period, training, held_out))
    unlabelled = period.sessions["label"].gather(np.concatenate([training, held_out])).is_null().to_numpy()
    calibration, everyday = trusted_scores(model, scores, unlabelled)
    model = replace(
        model,
        calibration=calibration,
        facts={**model.facts, "trusting_all_sessions": list(everyday)},
    )
    return replace(model, held_out=held_out_scores(model, scores if everyday else calibration))


def _to_calibrate_on(dataset: StoredDataset, split: Split) -> tuple[Dataset, Rows, Rows]:
    """The latest sessions of the training and held-out parts, in memory, and the rows of each part.

    If there are more than MOST_CALIBRATION_SESSIONS, the same share of both is used.
    """
    share = min(1.0, MOST_CALIBRATION_SESSIONS / (len(split.train) + len(split.validation)))
    training, held_out = (rows[-math.ceil(share * len(rows)) :] for rows in (split.train, split.validation))
    period = dataset.load(np.concatenate([training, held_out]))
    numbers = np.arange(len(period.sessions), dtype=np.int64)
    return period, numbers[: len(training)], numbers[len(training) :]


def _period_facts(dataset: StoredDataset, split: Split) -> dict[str, Any]:
    """A model's facts about the period that it learned from."""
    return {
        "period_sessions": len(dataset.sessions) - len(split.later),
        "trained_from": _iso(split.since),
        "trained_until": _iso(split.until),
        "training_sessions": len(split.train),
        "left_out_as_anomalous": split.left_out,
        "usual_silence_seconds": usual_silence_seconds(dataset, split.train),
    }


def usual_silence_seconds(dataset: Dataset, rows: Rows) -> float | None:
    """The longest silence within a session that 99.9 % of the sessions `rows` do not exceed; None without
    timestamps."""
    longest_ms = pl.concat(
        [
            piece["gaps_ms"].filter(np.isin(places, rows, assume_unique=True)).list.max()
            for places, piece in dataset.pieces("gaps_ms")
        ]
    ).quantile(0.999, "higher")
    return None if longest_ms is None else longest_ms / 1000


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
