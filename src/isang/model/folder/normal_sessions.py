"""normal.parquet: the distinct normal sessions of a training period, and how often each occurred."""

import numpy as np
import polars as pl

from isang.model.batches import Rows, Sessions

FRAMED_AT_ONCE = 100_000


def frame_of(sessions: Sessions, counts: Rows) -> pl.DataFrame:
    """`tokens` and `count`, built in portions: all sessions at once would take five times the memory of the result."""
    starts = range(0, max(1, len(sessions)), FRAMED_AT_ONCE)
    lists = pl.concat([_lists(sessions, start, start + FRAMED_AT_ONCE) for start in starts], rechunk=True)
    return lists.select("tokens", count=pl.lit(pl.Series(counts, dtype=pl.Int64)))


def _lists(sessions: Sessions, start: int, stop: int) -> pl.DataFrame:
    """The sessions from `start` to before `stop` as one column of lists, `tokens`."""
    offsets = sessions.offsets[start : stop + 1]
    place = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    tokens = pl.DataFrame({"place": place, "tokens": sessions.flat[offsets[0] : offsets[-1]]})
    return tokens.group_by("place", maintain_order=True).agg("tokens").drop("place")


def from_frame(frame: pl.DataFrame) -> tuple[Sessions, Rows]:
    """The sessions and their counts."""
    offsets = np.zeros(len(frame) + 1, dtype=np.int64)
    np.cumsum(frame["tokens"].list.len().to_numpy(), out=offsets[1:])
    flat = frame["tokens"].explode(empty_as_null=False, keep_nulls=False).to_numpy().astype(np.int32)
    return Sessions(flat, offsets), frame["count"].to_numpy()
