"""Line counts over time: in total, by level, and per template."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.parsing.inferred.levels import ERROR_LEVELS, WARNING_LEVELS
from isang.logs.store import Dataset

BUCKETS = 96
SPARK_BUCKETS = 24
"""Number of buckets in a template's sparkline; BUCKETS is a multiple of it."""
SESSIONS_AT_ONCE = 20_000
LEVELS = ("error", "warning", "other")

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class TimelineChart:
    """Lines over time; E events of the dataset."""

    start: datetime
    end: datetime
    by_level_LB: Counts
    """Lines per level (LEVELS) and bucket; the BUCKETS buckets have equal length."""
    of_event_ES: Counts
    """Lines per event and bucket of the sparkline (SPARK_BUCKETS)."""
    first_ms_E: Counts
    """When each event was first and last seen, in milliseconds after `start`; -1: never."""
    last_ms_E: Counts

    @property
    def bucket_seconds(self) -> float:
        """The length of a bucket."""
        return (self.end - self.start).total_seconds() / BUCKETS

    def moment(self, after_ms: int) -> datetime | None:
        """The time `after_ms` after the start; None where it is negative."""
        return None if after_ms < 0 else self.start + timedelta(milliseconds=int(after_ms))


def timeline(dataset: Dataset) -> TimelineChart | None:
    """The lines of a dataset over time, read in portions; None without timestamps."""
    first, last = dataset.sessions["start"].min(), dataset.sessions["end"].max()
    if not isinstance(first, datetime) or not isinstance(last, datetime):
        return None
    first, last = first.astimezone(UTC), max(last, first + timedelta(milliseconds=BUCKETS)).astimezone(UTC)
    span_ms = (last - first).total_seconds() * 1000
    events = int(dataset.templates["event"].max() or 0) + 1  # type: ignore[arg-type]
    level_E = np.full(events, LEVELS.index("other"))
    for event, level in dataset.templates.select("event", "level").iter_rows():
        level_E[event] = LEVELS.index(level_class(level))
    by_level_LB = np.zeros((len(LEVELS), BUCKETS), dtype=np.int64)
    of_event_ES = np.zeros((events, SPARK_BUCKETS), dtype=np.int64)
    first_ms_E, last_ms_E = np.full(events, np.iinfo(np.int64).max), np.full(events, -1, dtype=np.int64)
    starts = dataset.sessions["start"].dt.epoch("ms").to_numpy()
    zero = first.timestamp() * 1000
    for rows, part in _small_parts(dataset):
        timed = part["gaps_ms"].is_not_null().to_numpy()  # sessions without timestamps have null
        rows, part = rows[timed], part.filter(timed)
        sizes = part["events"].list.len().to_numpy().astype(np.int64)
        flat = part["events"].explode().drop_nulls().to_numpy().astype(np.int64)
        gaps = part["gaps_ms"].explode().drop_nulls().to_numpy().astype(np.int64)
        since = np.cumsum(gaps)
        begin = np.cumsum(sizes) - sizes
        used = sizes > 0
        offset = np.zeros(len(sizes), dtype=np.int64)
        offset[used] = since[begin[used]] - gaps[begin[used]]
        at_ms = np.repeat(starts[rows] - zero - offset, sizes) + since
        known = np.isfinite(at_ms)
        flat, at_ms = flat[known], np.clip(at_ms[known], 0, span_ms).astype(np.int64)
        bucket = np.minimum((at_ms * BUCKETS / span_ms).astype(np.int64), BUCKETS - 1)
        np.add.at(by_level_LB, (level_E[flat], bucket), 1)
        np.add.at(of_event_ES, (flat, bucket * SPARK_BUCKETS // BUCKETS), 1)
        np.minimum.at(first_ms_E, flat, at_ms)
        np.maximum.at(last_ms_E, flat, at_ms)
    return TimelineChart(first, last, by_level_LB, of_event_ES, np.where(last_ms_E < 0, -1, first_ms_E), last_ms_E)


def _small_parts(dataset: Dataset) -> Iterator[tuple[NDArray[np.int64], pl.DataFrame]]:
    """`events` and `gaps_ms` in portions of sessions, with their rows: memory stays near the size of the dataset."""
    for rows, piece in dataset.pieces("events", "gaps_ms"):
        for start in range(0, len(rows), SESSIONS_AT_ONCE):
            yield rows[start : start + SESSIONS_AT_ONCE], piece.slice(start, SESSIONS_AT_ONCE)


def timeline_of_moments(moments: Sequence[datetime]) -> TimelineChart | None:
    """Counts of moments over time, without levels or events; None if there are no moments."""
    if not moments:
        return None
    start = min(moments).astimezone(UTC)
    end = max(max(moments), start + timedelta(milliseconds=BUCKETS)).astimezone(UTC)
    places = [(moment - start) / (end - start) for moment in moments]
    by_level_LB = np.zeros((len(LEVELS), BUCKETS), dtype=np.int64)
    np.add.at(by_level_LB[LEVELS.index("other")], [min(BUCKETS - 1, int(BUCKETS * place)) for place in places], 1)
    nothing = np.zeros(0, dtype=np.int64)
    return TimelineChart(start, end, by_level_LB, np.zeros((0, SPARK_BUCKETS), dtype=np.int64), nothing, nothing)


def level_class(level: str | None) -> str:
    """One of LEVELS."""
    name = (level or "").upper()
    return "error" if name in ERROR_LEVELS else "warning" if name in WARNING_LEVELS else "other"


def spark(counts_S: Counts) -> str:
    """The SVG path of a sparkline of counts in a box of 100 x 20; empty if all are zero."""
    most = int(counts_S.max()) if len(counts_S) else 0
    if not most:
        return ""
    width, heights = 100 / len(counts_S), [max(1.5, 20 * int(count) / most) for count in counts_S]
    parts = [
        f"M{place * width:.1f} 20v-{height:.1f}h{width * 0.8:.1f}v{height:.1f}z"
        for place, height in enumerate(heights)
        if counts_S[place]
    ]
    return "".join(parts)


class Bar(NamedTuple):
    """A bar of the picture: its lower edge, measured from the top, and its counts."""

    bucket: int
    bottom: float
    height: float
    level: str
    when: datetime
    lines: int


def bars(line: TimelineChart, all_height: float, failures_height: float) -> list[Bar]:
    """All lines in an upper panel; below it errors stacked on warnings, on their own scale."""
    failing_FB = line.by_level_LB[[LEVELS.index("error"), LEVELS.index("warning")]]
    panels = (
        (0.0, all_height, {"other": line.by_level_LB.sum(axis=0)}),
        (all_height, failures_height, {name: line.by_level_LB[LEVELS.index(name)] for name in ("warning", "error")}),
    )
    most = (int(line.by_level_LB.sum(axis=0).max()), int(failing_FB.sum(axis=0).max()))
    found = []
    for (top, height, levels), highest in zip(panels, most, strict=True):
        for bucket in range(BUCKETS):
            bottom = top + height
            for level, counts_B in levels.items():
                if count := int(counts_B[bucket]):
                    tall = max(1.0, height * count / highest)
                    when = line.start + timedelta(seconds=bucket * line.bucket_seconds)
                    found.append(Bar(bucket, bottom, tall, level, when, count))
                    bottom -= tall
    return found
