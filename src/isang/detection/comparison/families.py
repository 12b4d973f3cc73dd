"""Families of lines: what the lines of one kind have in common, however their lists and values are written."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.logs.event_records import EventRecords
from isang.model.wording import loudness_of, words

_NUMBERS = re.compile(r"\d+")
"""Matches numbers kept in a template, which distinguish events, such as a status."""


@dataclass(frozen=True)
class Families:
    """F families of the lines of R runs. Shapes: F families, R runs, N records."""

    table: pl.DataFrame
    """A row per family, which is its number: `event` (the most frequent of its templates), `template`, `level`."""
    counts_FR: NDArray[np.int64]
    loudness_F: NDArray[np.int64]
    of_record_N: NDArray[np.int64]
    """The family of each record."""
    first_FR: NDArray[np.int64]
    """The first record of a family in a run; -1 if the run has none of it."""


def families_of(records: EventRecords, runs: int) -> Families:
    """The families of records: templates of the same level with the same words and numbers, in any order."""
    templates = records.templates.sort("count", descending=True, maintain_order=True)
    numbers: dict[tuple[str, frozenset[str] | str], int] = {}
    of_event: dict[int, int] = {}
    heads: list[tuple[int, str, str | None]] = []
    for event, template, level, _ in templates.iter_rows():
        likeness = (level or "", frozenset([*words(template), *_NUMBERS.findall(template)]) or template)
        if likeness not in numbers:
            numbers[likeness] = len(heads)
            heads.append((event, template, level))
        of_event[event] = numbers[likeness]
    table = pl.DataFrame(heads, schema={"event": pl.Int32, "template": pl.String, "level": pl.String}, orient="row")
    place = np.zeros(max(of_event) + 1, dtype=np.int64)
    place[list(of_event)] = list(of_event.values())
    of_record_N = place[records.frame["event"].to_numpy()]
    run_N = records.frame["run"].to_numpy().astype(np.int64)
    counts = np.bincount(of_record_N * runs + run_N, minlength=len(heads) * runs).reshape(len(heads), runs)
    first = np.full(len(heads) * runs, -1, dtype=np.int64)
    cells, at = np.unique(of_record_N * runs + run_N, return_index=True)
    first[cells] = at
    loudness = np.array([loudness_of(template, level) for _, template, level in heads], dtype=np.int64)
    return Families(table, counts.astype(np.int64), loudness, of_record_N, first.reshape(len(heads), runs))
