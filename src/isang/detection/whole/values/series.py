"""What stood in the slots of a training period, or of logs, by the templates of their events."""

import numpy as np
import polars as pl

from isang.logs.slots.slot_series import SERIES_SCHEMA
from isang.logs.templates.slots import SLOTS_SCHEMA, slot_row

_LISTS = ("source_index", "line", "at", "numbers", "texts")


def until(series: pl.DataFrame, moment: float | None) -> pl.DataFrame:
    """The part of SERIES_SCHEMA up to a moment in seconds since 1970; all of it where it is None or has no clock."""
    if moment is None:
        return series
    rows = []
    for row in series.iter_rows(named=True):
        at = np.array(row["at"], dtype=np.float64)
        kept = len(at) if np.isnan(at).any() else int(np.searchsorted(at, moment, side="right"))
        rows.append(row | {name: row[name][:kept] for name in _LISTS})
    return pl.DataFrame(rows, schema=SERIES_SCHEMA)


def few_values(series: pl.DataFrame) -> pl.DataFrame:
    """SLOTS_SCHEMA of the slots that have few values."""
    rows = [
        slot_row(row["event"], row["slot"], row["name"], row["texts"], str)
        for row in series.iter_rows(named=True)
        if row["texts"]
    ]
    return pl.DataFrame(rows, schema=SLOTS_SCHEMA, orient="row")
