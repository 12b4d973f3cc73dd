"""Cutting long sessions into pieces, and naming sessions, the same for finished and growing logs."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.sessions.rule import SessionRule

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Cut:
    """Sessions of more than `max_events` become pieces that overlap by an eighth, for neighbours' sake."""

    max_events: int

    @property
    def step(self) -> int:
        """Events from the beginning of a piece to that of the next."""
        return self.max_events - self.max_events // 8

    def of_ended(self, sizes: Counts) -> Counts:
        """The number of pieces of ended sessions; 0 if an earlier piece holds all of these events."""
        return np.maximum(0, -(-(sizes - self.max_events // 8) // self.step))

    def of_open(self, sizes: Counts) -> Counts:
        """The number of settled pieces of sessions that may continue: those followed by at least one more event."""
        return np.maximum(0, -(-(sizes - self.max_events) // self.step))


def session_names(heads: pl.DataFrame, rule: SessionRule) -> pl.Series:
    """The names of sessions, without their number: the key, else the source and the first line.

    `heads`: `key` (of a rule with keys), `source` and `line` of the first record of each.
    """
    if rule.kind != "key":
        name = pl.col("source") + ":" + pl.col("line").cast(pl.String)
    else:
        name = pl.col("key") if rule.joins_sources else pl.col("key") + "@" + pl.col("source")
    return heads.select(name.alias("name"))["name"]


def numbered_names(names: pl.Series, numbers: pl.Series) -> pl.Series:
    """The second session of a name and those after it carry their number."""
    later = pl.when(numbers > 1).then("#" + pl.lit(numbers).cast(pl.String)).otherwise(pl.lit(""))
    return pl.select((pl.lit(names) + later).alias("session_id"))["session_id"]
