"""The loss as a whole, where a log holds its parts."""

import numpy as np

from isang.languages import Both
from isang.runs.read import series_names
from isang.runs.read.columns import Column
from isang.runs.read.rows import LoggedRows, assumed
from isang.runs.read.table import Floats

MOST_PARTS = 12
"""More losses than this are not parts of one."""
TOTALS = frozenset(("total", "sum", "overall", "all", "objective", "combined"))
SAME_TOTAL = 0.01
"""A total differs from the weighted sum of its parts by at most this part of its spread, by rounding."""


def total_of(records: LoggedRows, candidates: list[str], notes: list[Both]) -> str:
    """The sum of losses that are parts of a total, as a new series; an empty name if they are not.

    Names of parts differ in one word, and their values are in the same rows.
    """
    parts = [name for name in candidates if not series_names.is_error(name) and not series_names.is_of_policy(name)]
    counts = {name: records.count(name) for name in parts}
    parts = [name for name in parts if counts[name] == max(counts.values())]
    words = [series_names.normal(name).split("_") for name in parts]
    if not 2 <= len(parts) <= MOST_PARTS:
        return ""
    if whole := _weighted_total(records, parts, counts):
        return whole
    shared = set(words[0]).intersection(*words[1:])
    if not shared or any(len(set(w) - shared) != 1 for w in words):
        return ""
    return summed(records, parts, notes)


def _weighted_total(records: LoggedRows, parts: list[str], counts: dict[str, int]) -> str:
    """The series called a total that is a weighted sum of the parts; an empty name without one."""
    for name in records.columns:
        if series_names.normal(name) not in TOTALS or records.count(name) < max(counts.values()):
            continue
        columns = [records.values(part) for part in parts] + [records.values(name)]
        rows = np.isfinite(columns).all(axis=0)
        weighted, total = np.stack(columns[:-1], axis=1)[rows], columns[-1][rows]
        if len(total) <= 2 * len(parts):
            continue
        left = total - weighted @ np.linalg.lstsq(weighted, total, rcond=None)[0]
        if float(np.std(left)) < SAME_TOTAL * float(np.std(total)):
            return name
    return ""


def summed(records: LoggedRows, parts: list[str], notes: list[Both]) -> str:
    """The name of a new series, the sum of others in the rows that hold all of them."""
    total: Floats = np.sum([records.values(name) for name in parts], axis=0)
    name = " + ".join(parts)
    records.columns[name] = Column(total)
    odd = np.unique(np.concatenate([records.nan_rows(part) for part in parts]))
    if len(odd):
        records.present[name] = odd
    notes.append(
        assumed(
            f"no total is logged; the sum of its {len(parts)} parts is judged: {name}",
            f"전체 손실이 기록되지 않아 부분 손실 {len(parts)}개의 합으로 판단합니다: {name}",
        )
    )
    return name
