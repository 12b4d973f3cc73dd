"""The picture of lines over time: bars, a mark for each incident, and times below."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from isang.pages.timeline import BUCKETS, LEVELS, TimelineChart, bars

PICTURE_WIDTH, ALL_HEIGHT, FAILURES_HEIGHT = 960, 70, 30
"""Size of the timeline: its width, and the heights of the panels of all lines and of errors and warnings."""
MARKED_INCIDENTS = 200
MOST_LANES = 12
"""Maximum number of rows of marks; marks that do not fit go to the last row."""
TICKS = 4


def picture(lines: TimelineChart, incidents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The bars of the timeline, a mark for each of the incidents, which have `buckets`, and the times below."""
    from isang.runs.text.writing import duration

    step = PICTURE_WIDTH / BUCKETS
    marks = [
        {
            "x": first * step, "width": (last - first + 1) * step,
            **{name: incident[name] for name in ("severity", "title", "id")},
        }
        for incident in incidents[:MARKED_INCIDENTS] if incident["buckets"]
        for first, last in (incident["buckets"],)
    ]  # fmt: skip
    lanes: list[float] = []
    for mark in sorted(marks, key=lambda mark: mark["x"]):
        lane = next((number for number, end in enumerate(lanes) if end <= mark["x"]), min(len(lanes), MOST_LANES - 1))
        lanes[lane : lane + 1] = [mark["x"] + mark["width"]]
        mark["lane"] = lane
    return {
        "bars": bars(lines, ALL_HEIGHT, FAILURES_HEIGHT), "step": step, "marks": marks, "lanes": max(1, len(lanes)),
        "ticks": ticks(lines.start, lines.end),
        "start": f"{lines.start:%Y-%m-%d %H:%M:%S}", "end": f"{lines.end:%Y-%m-%d %H:%M:%S}",
        "bar": {language: duration(lines.bucket_seconds, language) for language in ("en", "ko")},
        "totals": {level: int(lines.by_level_LB[number].sum()) for number, level in enumerate(LEVELS)},
    }  # fmt: skip


def buckets(first: str | None, last: str | None, lines: TimelineChart | None) -> tuple[int, int] | None:
    """The first and last bar of the timeline that something covers; None if unknown."""
    if lines is None or first is None or last is None:
        return None
    span = max(1e-9, (lines.end - lines.start).total_seconds())
    places = ((datetime.fromisoformat(moment) - lines.start).total_seconds() / span for moment in (first, last))
    from_, until = (min(BUCKETS - 1, max(0, int(BUCKETS * place))) for place in places)
    return from_, until


def ticks(start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Evenly spaced times, as precise as their spacing needs."""
    span = end - start
    seconds = span.total_seconds()
    clock = "%m-%d %H:%M" if seconds >= 2 * 86_400 else "%H:%M" if seconds >= TICKS * 120 else "%H:%M:%S"
    parts = [(part * PICTURE_WIDTH / TICKS, start + part / TICKS * span) for part in range(TICKS + 1)]
    if seconds >= 2 * TICKS:
        return [{"x": x, "text": moment.strftime(clock)} for x, moment in parts]
    rounded = ((x, moment + timedelta(microseconds=500)) for x, moment in parts)
    return [{"x": x, "text": f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"} for x, moment in rounded]
