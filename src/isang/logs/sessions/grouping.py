"""Records in the order of their sessions to sessions, batch by batch."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.parsing.timeline import NO_TIME
from isang.logs.sessions.pieces import Cut, numbered_names, session_names
from isang.logs.sessions.rule import SessionRule

INT32_MAX = 2**31 - 1


def order_of(rule: SessionRule) -> list[str]:
    """The columns in whose order `Grouper` takes records; in it a session's records follow each other by time.

    `number` (u64) is a hash of the key: numbers are sorted faster than texts.
    """
    key = ["number", "key"] if rule.kind == "key" else []
    return [*key, "stream", "time", "source", "line"]


class Grouper:
    """Takes records in batches and returns sessions as soon as they are complete.

    Records, in the order of `order_of(rule)` over all batches: `key` str (kind key only), `stream` i32 (what a session
    stays within), `source` i32 (position in `names`), `line` u32, `time` i64 (microseconds since 1970 UTC, or
    NO_TIME), `event` i32, `alert` bool or null.

    Sessions: `session_id`, `source` (name), `start` and `end` (i64 as above), `events`, `gaps_ms`, `label`, and
    `source_index` list<int32> and `line` list<int64> of each event's record. A session of more than
    `max_events` is cut into pieces that overlap by an eighth, so that no event lacks its neighbours.
    """

    def __init__(self, rule: SessionRule, names: Sequence[str], *, max_events: int) -> None:
        self._rule = rule
        self._names = pl.Series(list(names), dtype=pl.String)
        self._cut = Cut(max_events)
        self._held: list[pl.DataFrame] = []  # the records of the last session that are not in a piece that is done
        self._behind = 0  # number of its records before these
        self._parts = 0  # pieces of its key that are done
        self.cut = 0
        """Sessions that were longer than the limit and are kept as several pieces."""

    def add(self, records: pl.DataFrame) -> pl.DataFrame:
        """The sessions, or pieces of them, that are complete now that `records` are known."""
        return self._sessions(records, last=False)

    def finish(self) -> pl.DataFrame:
        """The last session, or the rest of it; there must have been records."""
        return self._sessions(self._held.pop(), last=True)

    def whole(self, records: pl.DataFrame) -> pl.DataFrame:
        """What `add` and `finish` give together, where all `records` are there at once."""
        return self._sessions(records, last=True)

    def _sessions(self, records: pl.DataFrame, *, last: bool) -> pl.DataFrame:
        records = pl.concat([*self._held, records])
        identity = records.select("stream", *(["key"] if self._rule.kind == "key" else []))
        changed = identity.select(pl.any_horizontal(pl.all().ne_missing(pl.all().shift(1)))).to_series().to_numpy()
        pieces = self._pieces(records, changed, last=last)
        heads = pieces.select(
            self._session_ids(records, pieces).alias("session_id"),
            self._names.gather(records["source"].gather(pieces["first"])).alias("source"),
            "start",
            "end",
        )
        return pl.concat([heads, _events_of(records, pieces)], how="horizontal")

    def _pieces(self, records: pl.DataFrame, changed: NDArray[np.bool_], *, last: bool) -> pl.DataFrame:
        """`first` and `stop` row, `part` (number within its key, from 1), `start`, `end` of each finished piece."""
        begins = session_begins(records, changed, self._rule, self._behind)
        first = np.flatnonzero(begins)
        stop = np.append(first[1:], records.height)
        step = self._cut.step
        counts = self._cut.of_ended(stop - first)
        counts = np.maximum(counts, np.where(first > 0, 1, self._behind == 0))
        if not last:
            counts[-1] = self._cut.of_open(stop[-1] - first[-1])
        before = np.where(first > 0, 0, self._behind // step)
        ended = len(first) - (not last)
        self.cut += int(((counts + before)[:ended] > 1).sum())

        number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        piece_first = np.repeat(first, counts) + number * step
        piece_stop = np.minimum(piece_first + self._cut.max_events, np.repeat(stop, counts))
        parts = self._count_parts(np.cumsum(changed), piece_first)
        self._behind = int((before[-1] + counts[-1]) * step)
        self._held = [] if last else [records.slice(int(first[-1] + counts[-1] * step))]
        times = records["time"]
        known = times.to_frame().select(pl.when(pl.col("time") != NO_TIME).then("time").forward_fill()).to_series()
        start = times.gather(piece_first)
        end = known.gather(piece_stop - 1).zip_with(start != NO_TIME, start)
        return pl.DataFrame({"first": piece_first, "stop": piece_stop, "part": parts, "start": start, "end": end})

    def _count_parts(self, owner: NDArray[np.int64], piece_first: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number of each piece among those of its key or stream; `owner` numbers these by record."""
        owner_of_piece = owner[piece_first]
        place = np.arange(len(piece_first))
        parts = place - np.searchsorted(owner_of_piece, owner_of_piece) + 1
        parts[owner_of_piece == owner[0]] += self._parts
        done = int((owner_of_piece == owner[-1]).sum())
        self._parts = done + (self._parts if owner[0] == owner[-1] else 0)
        return parts

    def _session_ids(self, records: pl.DataFrame, pieces: pl.DataFrame) -> pl.Series:
        """The name of each session; further parts of the same key are numbered from #2."""
        heads = records.select("line", "source", *(["key"] if self._rule.kind == "key" else []))[pieces["first"]]
        names = session_names(heads.with_columns(source=self._names.gather(heads["source"])), self._rule)
        return numbered_names(names, pieces["part"]) if self._rule.kind == "key" else names


def session_begins(
    records: pl.DataFrame, changed: NDArray[np.bool_], rule: SessionRule, behind: int = 0
) -> NDArray[np.bool_]:
    """True where a record begins a session, and for the first record, which may also continue one.

    `changed` is true where a record's key or stream differs from the previous one; `behind` is the number of records of
    the first session before the first record.
    """
    time = pl.col("time")
    begins = pl.col("changed")
    if rule.gap_seconds is not None:
        apart = (time.diff() > int(rule.gap_seconds * 1e6)) & (time != NO_TIME)
        begins = begins | apart.fill_null(False)
    begins = begins | (pl.int_range(pl.len()) == 0)
    if rule.kind == "lines":
        session = begins.cum_sum()
        since = pl.int_range(pl.len()).over(session) + pl.when(session == 1).then(behind).otherwise(0)
        begins = begins | (since % int(rule.size or 1) == 0)
    elif rule.kind == "seconds":
        window = pl.when(time != NO_TIME).then(time // int((rule.size or 1) * 1e6))
        begins = begins | (window != window.shift(1)).fill_null(False)
    return records.with_columns(changed=pl.Series(changed)).select(begins.alias("begins"))["begins"].to_numpy()


def _events_of(records: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """`events`, `gaps_ms`, `label`, `source_index`, `line`; one row per piece, in their order."""
    first, sizes = pieces["first"].to_numpy(), (pieces["stop"] - pieces["first"]).to_numpy()
    begins = np.cumsum(sizes) - sizes
    rows = np.repeat(first - begins, sizes) + np.arange(sizes.sum())
    piece = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    has_time = pl.col("time") != NO_TIME
    gap = pl.when(has_time).then((pl.col("time").diff() // 1000).clip(0, INT32_MAX)).fill_null(0)
    gap = pl.when(pl.col("piece") != pl.col("piece").shift(1).fill_null(-1)).then(0).otherwise(gap)
    return (
        records.select("source", "line", "time", "event", "alert")[rows]
        .with_columns(piece=pl.Series(piece))
        .with_columns(gap_ms=gap.cast(pl.Int32))
        .group_by("piece", maintain_order=True)
        .agg(
            events=pl.col("event"),
            gaps_ms=pl.when(has_time.any()).then(pl.col("gap_ms").implode()),
            label=pl.when(pl.col("alert").is_not_null().any()).then(pl.col("alert").any()),
            source_index=pl.col("source"),
            line=pl.col("line").cast(pl.Int64),
        )
        .drop("piece")
    )
