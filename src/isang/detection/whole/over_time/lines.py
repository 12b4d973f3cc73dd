"""The lines of logs over time, by template, level and log, whether or not they belong to a session.

Shapes: C counts, each of the lines of one template and log in one time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.store import Dataset, Rows
from isang.model.batches import Floats
from isang.model.vocabulary import UNSEEN, Vocabulary
from isang.model.wording import loudness_of

OF_LOG = "lines of "
"""Before the name of a log: all of its lines."""
ALL, ERRORS, WARNINGS = "all lines", "lines at ERROR or worse", "lines at WARNING or worse"
_LOUDNESS = {ALL: 0, WARNINGS: 2, ERRORS: 3}


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
    """For each event: the known template that it is or is matched to, else its own text."""
    loudness: NDArray[np.int64]
    """The loudness of each event."""
    sources: Sequence[str]
    """The logs."""

    @property
    def loud_C(self) -> NDArray[np.int64]:
        """How clearly the lines report a failure."""
        loud: NDArray[np.int64] = self.loudness[self.event_C]
        return loud

    def are_of(self, series: str) -> NDArray[np.bool_]:
        """Which counts are of a series: a kind of line by its name, a log (OF_LOG), a level, ALL; shape C."""
        if series in _LOUDNESS:
            return np.asarray(self.loud_C >= _LOUDNESS[series])
        if series.startswith(OF_LOG):
            return np.asarray(self.source_C == list(self.sources).index(series.removeprefix(OF_LOG)))
        own: NDArray[np.bool_] = np.array([name == series for name in self.names], dtype=bool)[self.event_C]
        return own

    def only(self, chosen_C: NDArray[np.bool_]) -> "Lines":
        """The counts that are chosen."""
        return replace(
            self, start_C=self.start_C[chosen_C], lines_C=self.lines_C[chosen_C], event_C=self.event_C[chosen_C],
            source_C=self.source_C[chosen_C],
        )  # fmt: skip


def lines_of(
    dataset: Dataset, vocabulary: Vocabulary, counts: pl.DataFrame | None, until: datetime | None = None
) -> Lines:
    """All lines that have a time, by `counts` (line_counts.py), else those of the sessions; none after `until`."""
    names, loudness = _named(dataset, vocabulary)
    sources: list[str] = [] if counts is None else [source["name"] for source in dataset.meta["sources"]]
    if counts is None:
        found = _of_sessions(dataset.sessions.with_columns(source_index=pl.col("events").list.eval(pl.element() * 0)))
    else:
        found = counts.filter(pl.col("start").is_not_null())
    if until is not None:
        found = found.filter(pl.col("start") <= until.timestamp())
    return _lines(found, names, loudness, sources)


def lines_of_rows(
    dataset: Dataset, vocabulary: Vocabulary, rows: Rows, places: pl.DataFrame, sources: Sequence[str]
) -> Lines:
    """The lines of the sessions `rows`, each with its own time; `places` as in `StoredLogs.places`, of these rows."""
    found = _of_sessions(dataset.sessions[rows].with_columns(places["source_index"]))
    return _lines(found, *_named(dataset, vocabulary), sources)


def _named(dataset: Dataset, vocabulary: Vocabulary) -> tuple[list[str], NDArray[np.int64]]:
    """The name and the loudness of each event."""
    events = int(dataset.templates["event"].max() or 0) + 1  # type: ignore[arg-type]
    names, loudness = [""] * events, np.zeros(events, dtype=np.int64)
    tokens = vocabulary.tokens(dataset)
    for event, template, level in dataset.templates["event", "template", "level"].iter_rows():
        names[event] = template if tokens[event] == UNSEEN else vocabulary.name(int(tokens[event]))
        loudness[event] = loudness_of(template, level)
    return names, loudness


def _lines(found: pl.DataFrame, names: Sequence[str], loudness: NDArray[np.int64], sources: Sequence[str]) -> Lines:
    return Lines(
        found["start"].cast(pl.Float64).to_numpy(), float(found["seconds"].max() or 0),  # type: ignore[arg-type]
        found["lines"].to_numpy(), found["event"].cast(pl.Int64).to_numpy(),
        found["source_index"].cast(pl.Int64).to_numpy(), names, loudness, sources,
    )  # fmt: skip


def _of_sessions(sessions: pl.DataFrame) -> pl.DataFrame:
    """The lines of sessions, each with its own time; `source_index` is parallel to their events."""
    table = sessions.select(pl.col("start").dt.epoch("us").cast(pl.Float64) / 1e6, "events", "gaps_ms", "source_index")
    table = table.filter(
        pl.col("start").is_not_null() & (pl.col("gaps_ms").list.len() == pl.col("events").list.len())
    ).with_row_index("session")
    since = pl.col("gaps_ms").fill_null(0).cum_sum().over("session").cast(pl.Float64) / 1000
    return (
        table.explode("events", "gaps_ms", "source_index")
        .select(
            "source_index", start=pl.col("start") + since, seconds=pl.lit(0), lines=pl.lit(1, dtype=pl.Int64),
            event="events",
        )
        .sort("start", maintain_order=True)
    )  # fmt: skip
