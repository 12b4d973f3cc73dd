"""The lines of logs over time, by template, level and log, whether or not they belong to a session.

Shapes: C counts, each of the lines of one template and log in one time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.store import Dataset
from isang.model.batches import Floats
from isang.model.vocabulary import UNSEEN, Vocabulary
from isang.model.wording import loudness_of


@dataclass(frozen=True)
class Lines:
    """Counts of lines, in the order of time."""

    start_C: Floats
    """When the time of a count begins, in seconds since 1970."""
    seconds: float
    """How long it is; 0 where each line is counted with its own time."""
    lines_C: NDArray[np.int64]
    event_C: NDArray[np.int64]
    source_C: NDArray[np.int64]
    names: Sequence[str]
    """Of each event: the known template that it is or is taken for, else its own text."""
    loudness: NDArray[np.int64]
    """Of each event."""
    sources: Sequence[str]
    """The logs."""

    @property
    def loud_C(self) -> NDArray[np.int64]:
        """How loudly the lines tell of a failure."""
        loud: NDArray[np.int64] = self.loudness[self.event_C]
        return loud


def lines_of(
    dataset: Dataset, vocabulary: Vocabulary, counts: pl.DataFrame | None, until: datetime | None = None
) -> Lines:
    """All lines that have a time, by `counts` (line_counts.py), else those of the sessions; none after `until`."""
    events = int(dataset.templates["event"].max() or 0) + 1  # type: ignore[arg-type]
    names, loudness = [""] * events, np.zeros(events, dtype=np.int64)
    tokens = vocabulary.tokens(dataset)
    for event, template, level in dataset.templates["event", "template", "level"].iter_rows():
        names[event] = template if tokens[event] == UNSEEN else vocabulary.name(int(tokens[event]))
        loudness[event] = loudness_of(template, level)
    sources: list[str] = [] if counts is None else [source["name"] for source in dataset.meta["sources"]]
    found = _of_sessions(dataset) if counts is None else counts.filter(pl.col("start").is_not_null())
    if until is not None:
        found = found.filter(pl.col("start") <= until.timestamp())
    return Lines(
        found["start"].cast(pl.Float64).to_numpy(), float(found["seconds"].max() or 0),  # type: ignore[arg-type]
        found["lines"].to_numpy(), found["event"].cast(pl.Int64).to_numpy(),
        found["source_index"].cast(pl.Int64).to_numpy(), names, loudness, sources,
    )  # fmt: skip


def _of_sessions(dataset: Dataset) -> pl.DataFrame:
    """The lines of the sessions, each with its own time."""
    table = dataset.sessions.select(pl.col("start").dt.epoch("us").cast(pl.Float64) / 1e6, "events", "gaps_ms")
    table = table.filter(
        pl.col("start").is_not_null() & (pl.col("gaps_ms").list.len() == pl.col("events").list.len())
    ).with_row_index("session")
    since = pl.col("gaps_ms").fill_null(0).cum_sum().over("session").cast(pl.Float64) / 1000
    return (
        table.explode("events", "gaps_ms")
        .select(
            start=pl.col("start") + since, seconds=pl.lit(0), lines=pl.lit(1, dtype=pl.Int64), event="events",
            source_index=pl.lit(0),
        )
        .sort("start", maintain_order=True)
    )  # fmt: skip
