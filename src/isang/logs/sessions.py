"""Records to sessions: by identifier, silence, or window of lines or seconds."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.errors import InputError

INT32_MAX = 2**31 - 1
_INT64_MAX = 2**63 - 1
_BATCH_EVENTS = 1_000_000
_PER_EVENT = ("source", "line", "time", "event", "alert")
NO_KEYS = ("null", "none", "nil", "undefined", "unknown", "n/a", "-", "")
"""Values of an identifier that stand for no identifier."""


@dataclass(frozen=True)
class SessionRule:
    """What makes the records of one session."""

    kind: Literal["key", "lines", "seconds", "gap"]
    reason: str
    """Why this rule, in one sentence for people."""
    pattern: str | None = None
    """kind key: a regular expression (Rust) whose group, or whole match, is the key; searched in the whole line."""
    size: float | None = None
    """kind lines: records per window; kind seconds: seconds per window."""
    gap_seconds: float | None = None
    """A session also ends after this many silent seconds."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as `from_dict` takes them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, given: dict[str, Any]) -> "SessionRule":
        """Raises TypeError for unknown names."""
        return cls(**given)


@dataclass(frozen=True)
class Grouped:
    """Sessions, and where their events come from."""

    sessions: pl.DataFrame
    lines: pl.DataFrame
    """`session_id`, `source_index` list<int32>, `line` list<int64>, in the order of `sessions`."""
    cut: int
    """Sessions that were longer than the limit and are kept as several pieces."""


def keys_of(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """(`row`, `key`) for every identifier that a line names; a line that names several stands once for each."""
    has_group = pl.Series([""]).str.extract_groups(pattern).struct.fields
    found = texts.to_frame("text").select(
        row=pl.int_range(pl.len(), dtype=pl.UInt32),
        key=pl.col("text").str.extract_all(pattern),
    ).filter(pl.col("key").list.len() > 0)  # fmt: skip
    if int(found["key"].list.len().max() or 0) > 1:  # type: ignore[arg-type]
        found = found.explode("key").unique(maintain_order=True)
    else:
        found = found.with_columns(pl.col("key").list.first())
    if has_group:
        found = found.with_columns(pl.col("key").str.extract(pattern, 1)).unique(maintain_order=True)
    return found.filter(pl.col("key").is_not_null() & ~pl.col("key").str.to_lowercase().is_in(NO_KEYS))


def group(
    records: dict[str, pl.Series],
    rule: SessionRule,
    *,
    keys: Sequence[str],
    names: Sequence[str],
    streams: Sequence[int],
    max_events: int,
) -> Grouped:
    """Sessions of `records`, in the order of (start, session_id).

    Without a key, a session is of one stream: `streams`, parallel to `names`, gives the sources of a rotated set the
    same number. `records`: `key` i32 (position in `keys`, only for kind key), `source` i32 (position in `names`),
    `line` u32, `time` i64 (microseconds since 1970 UTC, or null), `event` i32, `alert` bool or null; in the order of
    reading. It is emptied column by column, so that the memory of each is free again.
    """
    by = "key" if rule.kind == "key" else "source"
    if by == "source" and len(set(streams)) < len(streams):
        by = "stream"
        records[by] = pl.Series(by, streams, dtype=pl.Int32).gather(records["source"])
    order = _order(records[by], records["time"])
    columns = {name: records.pop(name).gather(order) for name in list(records)}
    del order
    pieces, cut = _pieces(columns, by, rule, max_events)
    pieces = pieces.with_columns(session_id=_session_ids(pieces, rule, keys, names)).sort(
        "start", "session_id", nulls_last=True, maintain_order=True
    )
    for name in ("key", "stream"):
        columns.pop(name, None)
    built = pl.concat([_events_of(columns, part) for part in _in_batches(pieces)])
    heads = pieces.select(
        "session_id",
        value_at(pieces["source"], list(names)).alias("source"),
        pl.col("start", "end").cast(pl.Datetime("us", "UTC")),
    )
    sessions = pl.concat([heads, built.select("events", "gaps_ms", "label")], how="horizontal")
    lines = pl.concat([heads.select("session_id"), built.select("source_index", "line")], how="horizontal")
    return Grouped(sessions, lines, cut)


def _order(owners: pl.Series, times: pl.Series) -> NDArray[np.int64]:
    """Row numbers by owner, then time (null last), then order of reading."""
    if times.is_sorted(nulls_last=True):  # as most logs are; one sort takes less time and memory than two
        return np.argsort(owners.to_numpy(), kind="stable")
    return np.lexsort((times.fill_null(_INT64_MAX).to_numpy(), owners.to_numpy()))


def value_at(positions: pl.Series, values: list[str]) -> pl.Series:
    """The value at each position."""
    return pl.Series(values, dtype=pl.String).gather(positions)


def _pieces(columns: dict[str, pl.Series], by: str, rule: SessionRule, max_events: int) -> tuple[pl.DataFrame, int]:
    """(one row per piece of a session, number of sessions that were cut).

    `first` and `stop` row, `part` (number within its key, from 1), `owner` (key or source), `source` and `line` of its
    first record, `start`, `end`. The pieces of a session that is too long overlap by an eighth, so that no event
    lacks its neighbours.
    """
    starts = session_starts(columns, by, rule)
    first = np.flatnonzero(starts)
    stop = np.append(first[1:], len(starts))
    overlap = max_events // 8
    step = max_events - overlap
    counts = np.maximum(1, -(-(stop - first - overlap) // step))
    number = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    piece_first = np.repeat(first, counts) + number * step
    piece_stop = np.minimum(piece_first + max_events, np.repeat(stop, counts))
    pieces = pl.DataFrame({"first": piece_first, "stop": piece_stop}).with_columns(
        columns[by].gather(piece_first).alias("owner"),
        columns["source"].gather(piece_first).alias("source"),
        columns["line"].gather(piece_first).alias("line"),
        columns["time"].gather(piece_first).alias("start"),
        columns["time"].fill_null(strategy="forward").gather(piece_stop - 1).alias("end"),
    )
    pieces = pieces.with_columns(end=pl.when(pl.col("start").is_not_null()).then("end"))
    part = pl.int_range(1, pl.len() + 1).over("owner") if rule.kind == "key" else pl.lit(number + 1)
    return pieces.with_columns(part.alias("part")), int((counts > 1).sum())


def session_starts(columns: dict[str, pl.Series], by: str, rule: SessionRule) -> NDArray[np.bool_]:
    """True where a record begins a session."""
    records = pl.DataFrame([columns[by], columns["time"]])
    changed = (pl.col(by) != pl.col(by).shift(1)).fill_null(True)
    silent = pl.lit(False)
    if rule.gap_seconds is not None:
        silent = (pl.col("time").diff() > int(rule.gap_seconds * 1e6)).fill_null(False)
    starts = changed | silent
    if rule.kind == "lines":
        since = pl.int_range(pl.len()).over(starts.cum_sum())
        starts = starts | (since % int(rule.size or 1) == 0)
    elif rule.kind == "seconds":
        if records["time"].null_count() == records.height:
            raise InputError(
                "windows of seconds need times, but no line carries one; use --window with a number of lines"
            )
        window = pl.col("time") // int((rule.size or 1) * 1e6)
        starts = starts | (window != window.shift(1)).fill_null(False)
    return records.select(starts.alias("starts"))["starts"].to_numpy()


def _in_batches(pieces: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Consecutive pieces with about _BATCH_EVENTS events at a time, to bound what is held in between."""
    batch = (pl.col("stop") - pl.col("first")).cum_sum() // _BATCH_EVENTS
    yield from pieces.with_columns(batch=batch).partition_by("batch", maintain_order=True)


def _events_of(columns: dict[str, pl.Series], pieces: pl.DataFrame) -> pl.DataFrame:
    """`events`, `gaps_ms`, `label`, `source_index`, `line`; one row per piece, in their order."""
    first, sizes = pieces["first"].to_numpy(), (pieces["stop"] - pieces["first"]).to_numpy()
    begins = np.cumsum(sizes) - sizes
    rows = np.repeat(first - begins, sizes) + np.arange(sizes.sum())
    piece = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    frame = pl.DataFrame([pl.Series("piece", piece), *(columns[name].gather(rows) for name in _PER_EVENT)])
    gap = (pl.col("time").diff() // 1000).clip(0, INT32_MAX).cast(pl.Int32)
    gap = pl.when(pl.col("piece") != pl.col("piece").shift(1).fill_null(-1)).then(0).otherwise(gap.fill_null(0))
    return frame.with_columns(gap_ms=gap.cast(pl.Int32)).group_by("piece", maintain_order=True).agg(
        events=pl.col("event"),
        gaps_ms=pl.when(pl.col("time").is_not_null().any()).then(pl.col("gap_ms").implode()),
        label=pl.when(pl.col("alert").is_not_null().any()).then(pl.col("alert").any()),
        source_index=pl.col("source"),
        line=pl.col("line").cast(pl.Int64),
    )  # fmt: skip


def _session_ids(pieces: pl.DataFrame, rule: SessionRule, keys: Sequence[str], names: Sequence[str]) -> pl.Series:
    """The identifier, or source and first line; further parts of the same identifier are numbered from #2."""
    if rule.kind != "key":
        return pieces.select(
            pl.lit(value_at(pieces["source"], list(names))) + ":" + pl.col("line").cast(pl.String)
        ).to_series()
    number = pl.when(pl.col("part") > 1).then("#" + pl.col("part").cast(pl.String)).otherwise(pl.lit(""))
    return pieces.select(pl.lit(value_at(pieces["owner"], list(keys))) + number).to_series()
