"""What stood in slots over time: numbers, and values of which there are few."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from isang.logs.slots.quantities import quantity
from isang.logs.templates.slots import SECRET, Sampled, Seen, SlotValues, in_order, names
from isang.parquet_files import read_table

FILE = "slot_series.parquet"
MOST_DIFFERENT = 50
"""Maximum number of distinct non-numeric values that count as few."""
MOSTLY = 0.9
"""A slot is numeric if at least this share of its values are numbers with the same unit."""
WORDS = 32
"""The words of a slot that always has several, such as `200 1043`, are slots of their own: the first is WORDS times its
number, then one more each."""
SERIES_SCHEMA = pl.Schema(
    {
        "event": pl.Int32(), "slot": pl.Int32(), "name": pl.String(), "unit": pl.String(), "share": pl.Float64(),
        "source_index": pl.List(pl.Int32()), "line": pl.List(pl.UInt32()), "at": pl.List(pl.Float64()),
        "numbers": pl.List(pl.Float64()), "texts": pl.List(pl.String()),
    }
)  # fmt: skip
"""A row for each slot (null: a field of the line, by its `name`) that has numbers, few values, or both. `share` of the
lines of its event were looked at. Lists are parallel, in the order of time: the log, the line, seconds since 1970 to
the length of the windows of line_counts.py (NaN without a clock), the number in its `unit` (NaN where it is none), and
the text where there are few (else the list is empty)."""


def series_of(
    templates: Mapping[int, str],
    messages: Sequence[Sampled],
    seen: Seen,
    over_time: pl.DataFrame,
    shown: Callable[[str], str] = str,
) -> pl.DataFrame:
    """SERIES_SCHEMA of the values `seen` in messages; `over_time` are the line counts of each event.

    Slots whose name suggests a secret are left out; `shown` removes secrets from a value.
    """
    at = _times(messages, over_time)
    lines_of = dict(over_time.group_by("event").agg(pl.col("lines").sum()).iter_rows())
    looked_at = np.bincount([one.number for one in messages]) if messages else np.zeros(0)
    rows = []
    for event, slot, name in in_order(seen):
        named = name if slot is None else names(templates[event])[slot]
        if named and SECRET.search(named):
            continue
        share = min(1.0, float(looked_at[event]) / max(1, lines_of.get(event, 0)))
        for word, values in _words(seen[event, slot, name]):
            number = None if slot is None else slot * WORDS + word
            row = _row(values, messages, at, shown)
            rows += [] if row is None else [(event, number, named if word == 0 else None, row[0], share, *row[1:])]
    return pl.DataFrame(rows, schema=SERIES_SCHEMA, orient="row")


def read_series(folder: Path) -> pl.DataFrame | None:
    """The series of a dataset folder; None where it has none."""
    file = folder / FILE
    if not file.is_file():
        return None
    series: pl.DataFrame = read_table(file, dict(SERIES_SCHEMA), "prepare the logs again")
    return series


def _words(seen: SlotValues) -> list[tuple[int, SlotValues]]:
    """The words of a slot that always has as many, each with its number; the slot itself where it is one word."""
    words = [value.split() for value in seen.values]
    many = len(words[0])
    if many < 2 or any(len(own) != many for own in words) or all(map(quantity, set(seen.values))):
        return [(0, seen)]
    return [(word, SlotValues([own[word] for own in words], seen.places)) for word in range(min(many, WORDS))]


def _row(
    seen: SlotValues, messages: Sequence[Sampled], at: np.ndarray, shown: Callable[[str], str]
) -> tuple[str | None, list[int], list[int], list[float], list[float], list[str]] | None:
    """The columns of a slot from `unit` on but for its share; None where it has neither numbers nor few values."""
    different = set(seen.values)
    read = {value: quantity(value) for value in different} if len(different) > 1 else {}
    units = [found[1] for value in seen.values if (found := read.get(value)) is not None]
    unit = max(set(units), key=units.count) if units else None
    numeric = unit is not None and units.count(unit) >= MOSTLY * len(seen.values)
    if not numeric and len(different) > MOST_DIFFERENT:
        return None
    places = np.array(seen.places)
    order = places[np.argsort(at[places], kind="stable")]
    value_of = dict(zip(seen.places, seen.values, strict=True))
    values = [value_of[place] for place in order.tolist()]
    safe = {value: shown(value) for value in different} if len(different) <= MOST_DIFFERENT else {}
    numbers = [
        found[0] if numeric and (found := read[value]) is not None and found[1] == unit else float("nan")
        for value in values
    ]
    own = [messages[place] for place in order.tolist()]
    return (
        unit if numeric else None, [one.source_index for one in own], [one.line for one in own], at[order].tolist(),
        numbers if numeric else [], [safe[value] for value in values] if safe else [],
    )  # fmt: skip


def _times(messages: Sequence[Sampled], over_time: pl.DataFrame) -> np.ndarray:
    """When each message was written, as far as the windows of lines say: the last window that began before its line."""
    at = np.full(len(messages), np.nan)
    logs = np.array([one.source_index for one in messages], dtype=np.int64)
    lines = np.array([one.line for one in messages], dtype=np.int64)
    for (log,), own in over_time.drop_nulls("start").sort("line").partition_by("source_index", as_dict=True).items():
        rows = np.flatnonzero(logs == log)
        place = np.searchsorted(own["line"].to_numpy(), lines[rows], side="right") - 1
        at[rows] = own["start"].to_numpy().astype(np.float64)[np.maximum(place, 0)]
    return at
