"""A candidate's training data: kept sessions without anomalies, fewer the older they are."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from isang.detection.feedback.answers import Answer
from isang.detection.feedback.measured import labels_of
from isang.errors import IsangError
from isang.logs.rules import Rules
from isang.logs.store import SESSIONS_SCHEMA, Dataset, read_dataset
from isang.service.models.kept import KEPT_SCHEMA, counted, merged


def material(
    earlier: tuple[Path, int] | None,
    parts: Sequence[Dataset],
    rules: Rules,
    answers: Sequence[Answer],
    half_life_days: float,
) -> Dataset:
    """A dataset of the previous model's training data and of the sessions kept since.

    `earlier`: its dataset folder, and how many of the first sessions in it are its training period.

    It excludes sessions that raised alerts, unless a person called them normal, and those that a person called
    anomalous. A session of age a is kept with probability 2^(-a / half-life), so that lines no longer written are
    forgotten; the age is relative to the latest session.
    """
    datasets = [*_earlier(earlier), *parts]
    together = merged(datasets, rules)
    sessions = _told(together.sessions, answers)
    anomalous = pl.col("told").fill_null(pl.col("flagged") & ~pl.col("silenced"))
    kept = sessions.filter(~anomalous & pl.Series(_stays(sessions, half_life_days)))
    kept = kept.with_columns(label=pl.coalesce("told", "label"))
    templates = together.templates.with_columns(count=counted(kept["events"], together.templates["event"]))
    meta: dict[str, Any] = {"schema": 1, "rules": rules.to_dict(), "half_life_days": half_life_days}
    return Dataset(kept.select(SESSIONS_SCHEMA.names()), templates.filter(pl.col("count") > 0), meta)


def unsuspected(dataset: Dataset, answers: Sequence[Answer]) -> Dataset:
    """The sessions that neither a person nor a detector called anomalous, with the same templates."""
    sessions = _told(dataset.sessions, answers)
    anomalous = pl.col("told").fill_null(pl.col("flagged") & ~pl.col("silenced"))
    return Dataset(sessions.filter(~anomalous).select(SESSIONS_SCHEMA.names()), dataset.templates, dataset.meta)


def _earlier(earlier: tuple[Path, int] | None) -> list[Dataset]:
    """The training period of the previous model; empty if it no longer exists."""
    if earlier is None:
        return []
    try:
        dataset = read_dataset(earlier[0])
    except IsangError:
        return []
    anomalous = pl.col("label").fill_null(False)
    sessions = (
        dataset.sessions.head(earlier[1])
        .with_columns(flagged=anomalous, silenced=pl.lit(False))
        .select(KEPT_SCHEMA.names())
    )
    return [Dataset(sessions, dataset.templates, {})]


def _told(sessions: pl.DataFrame, answers: Sequence[Answer]) -> pl.DataFrame:
    return sessions.join(
        labels_of(answers), on=["session_id", "start"], how="left", nulls_equal=True, maintain_order="left"
    )


def _stays(sessions: pl.DataFrame, half_life_days: float) -> list[bool]:
    """Which sessions are kept, by a hash of the id, so that the choice is the same each time."""
    latest: datetime | None = sessions["start"].max()  # type: ignore[assignment]
    found = []
    for name, start in sessions.select("session_id", "start").iter_rows():
        age = 0.0 if start is None or latest is None else (latest - start).total_seconds() / 86_400
        draw = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=4).digest(), "big") / 2**32
        found.append(draw < 2.0 ** (-age / half_life_days))
    return found
