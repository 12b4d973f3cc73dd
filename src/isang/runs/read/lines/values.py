"""Single values of named series put together to rows, one per step."""

from collections.abc import Iterable
from typing import NamedTuple


class Value(NamedTuple):
    """One value of one series."""

    name: str
    value: float
    step: float
    time: float  # seconds since 1970, 0 where unknown


def rows_by_step(values: Iterable[Value]) -> list[dict[str, float]]:
    """One row per step, ascending. A series that repeats a step gets a row for each of its values there.

    A series with all values at one step was logged without steps: its values are numbered from 1.
    """
    steps: dict[str, set[float]] = {}
    count: dict[str, int] = {}
    values = list(values)
    for entry in values:
        steps.setdefault(entry.name, set()).add(entry.step)
        count[entry.name] = count.get(entry.name, 0) + 1
    unnumbered = {name for name, found in steps.items() if len(found) == 1 and count[name] > 1}
    rows: dict[tuple[float, int], dict[str, float]] = {}
    seen: dict[tuple[str, float], int] = {}
    for entry in values:
        step, turn = entry.step, 0
        if entry.name in unnumbered:
            step = seen[entry.name, -1.0] = seen.get((entry.name, -1.0), 0) + 1
        else:
            turn = seen[entry.name, step] = seen.get((entry.name, step), -1) + 1
        row = rows.setdefault((step, turn), {"step": step})
        row[entry.name] = entry.value
        if entry.time > 0:
            row.setdefault("timestamp", entry.time)
    return [rows[key] for key in sorted(rows)]
