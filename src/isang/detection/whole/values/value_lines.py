"""The lines that have a value of which there are few, such as the name of one of three nodes: does one fall silent?"""

from collections.abc import Mapping

import numpy as np
import polars as pl

from isang.detection.whole.over_time.lines import Lines

MOST_VALUES = 12
"""Slots with more different values say nothing: one of forty clients may well stay away."""
LEAST_SHARE = 0.95
"""Nor do those of which not all lines were looked at: what was left out is no silence."""


def lines_by_value(series: pl.DataFrame) -> Lines | None:
    """The lines of each value, named after its template and the value; None if there is no such slot.

    `series`: SERIES_SCHEMA with the `template` of each event.
    """
    starts, events, names = [], [], list[str]()
    for row in series.filter(pl.col("share") >= LEAST_SHARE).iter_rows(named=True):
        values = dict.fromkeys(row["texts"])
        at = np.array(row["at"], dtype=np.float64)
        if not 2 <= len(values) <= MOST_VALUES or np.isnan(at).any():
            continue
        texts = np.array(row["texts"])
        for value in values:
            own = at[texts == value]
            starts.append(own)
            events.append(np.full(len(own), len(names)))
            names.append(_named(row, value))
    if not names:
        return None
    start_C, event_C = np.concatenate(starts), np.concatenate(events)
    order = np.argsort(start_C, kind="stable")
    ones = np.ones(len(order), dtype=np.int64)
    return Lines(
        start_C[order], 0.0, ones, event_C[order].astype(np.int64), 0 * ones, names,
        np.zeros(len(names), dtype=np.int64), [],
    )  # fmt: skip


def _named(row: Mapping[str, object], value: str) -> str:
    name = row["name"]
    return f"{row['template']} with {name}={value}" if name else f"{row['template']} with {value}"
