"""Sessions that can be changed event by event, and judged again."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.artifact import Model
from isang.detection.threshold.decisions import Judged, judge, may_go_on
from isang.logs.store import Dataset

Ints = NDArray[np.int64]

MOST_MS = 2**31 - 1
"""Gaps are stored as 32-bit numbers."""


@dataclass(frozen=True)
class Changeable:
    """One session of a dataset, or what became of it."""

    row: int
    """Its row in the dataset."""
    events: Ints
    """Event ids, shape E."""
    gaps_ms: Ints | None
    """Milliseconds since the event before, shape E, 0 for the first; None without a clock."""

    def without(self, place: int) -> "Changeable":
        """The session without the event at `place`; all others stay when they were."""
        gaps_ms = None if self.gaps_ms is None else self.gaps_ms.copy()
        if gaps_ms is not None:
            if 0 < place < len(gaps_ms) - 1:
                gaps_ms[place + 1] += gaps_ms[place]
            gaps_ms = np.delete(gaps_ms, place)
            gaps_ms[:1] = 0
        return replace(self, events=np.delete(self.events, place), gaps_ms=gaps_ms)

    def inserted(self, place: int, event: int, times: int = 1) -> "Changeable":
        """The session with more events before `place`, each at the time of the event before it."""
        gaps_ms = None if self.gaps_ms is None else np.insert(self.gaps_ms, place, np.zeros(times, dtype=np.int64))
        return replace(self, events=np.insert(self.events, place, np.full(times, event)), gaps_ms=gaps_ms)


def changeable(dataset: Dataset, rows: Ints) -> list[Changeable]:
    """The sessions `rows` of `dataset` that have any events; a gap that is not known is 0."""
    table = dataset.sessions[rows].select("events", pl.col("gaps_ms").list.eval(pl.element().fill_null(0)))
    return [
        Changeable(int(row), np.array(events, dtype=np.int64), None if gaps is None else np.array(gaps, dtype=np.int64))
        for row, (events, gaps) in zip(rows, table.iter_rows(), strict=True)
        if events
    ]


def with_changed(dataset: Dataset, sessions: Sequence[Changeable]) -> Dataset:
    """A dataset of the changed sessions alone, with the source and the start that they had."""
    table = dataset.sessions[np.array([session.row for session in sessions], dtype=np.int64)].with_columns(
        events=pl.Series([session.events.tolist() for session in sessions], dtype=pl.List(pl.Int32)),
        gaps_ms=pl.Series(
            [None if session.gaps_ms is None else session.gaps_ms.clip(0, MOST_MS).tolist() for session in sessions],
            dtype=pl.List(pl.Int32),
        ),
    )
    ends = pl.col("start") + pl.duration(
        milliseconds=pl.col("gaps_ms").list.eval(pl.element().cast(pl.Int64)).list.sum()
    )
    return replace(dataset, sessions=table.with_columns(end=ends))


def judge_changed(model: Model, dataset: Dataset, sessions: Sequence[Changeable]) -> Judged:
    """Decide about changed sessions as if they stood in the dataset with the source and the start that they had.

    A session that may go on where the logs end still may.
    """
    rows = np.array([session.row for session in sessions], dtype=np.int64)
    until: datetime | None = dataset.sessions["end"].max()  # type: ignore[assignment]
    changed = with_changed(dataset, sessions)
    return judge(model, changed, unfinished_S=may_go_on(model, dataset, rows), until=until)
