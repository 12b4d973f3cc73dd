"""Tables with one row per value, the series' name in a column of its own, as trackers export them."""

import re
from collections.abc import Iterator

from isang.runs.read.lines.values import Value, rows_by_step
from isang.runs.read.series_names import normal, role

NAMED = ("loss", "mean", "validation", "metric", "perplexity", "rate")
"""Roles of which one name at least must have one."""
MOST_NAMES = 200
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?nan|[-+]?inf(inity)?", re.IGNORECASE)


class LongForm:
    """The columns of name, value, step, time and run in such a table."""

    def __init__(self, name: int, value: int, step: int | None, time: int | None, run: int | None) -> None:
        self._name, self._value, self._step, self._time, self._run = name, value, step, time, run
        self._runs: dict[str, list[Value]] = {}

    def add(self, cells: list[str]) -> bool:
        """Add a row; False where it holds no value."""
        place = max(self._name, self._value, self._step or 0, self._time or 0, self._run or 0)
        if len(cells) <= place or not cells[self._name] or not NUMBER.fullmatch(cells[self._value]):
            return False
        step, time = (_number(cells, column) for column in (self._step, self._time))
        run = cells[self._run] if self._run is not None else ""
        time = time / 1000 if time > 1e11 else time  # milliseconds since 1970
        self._runs.setdefault(run, []).append(Value(cells[self._name], float(cells[self._value]), step, time))
        return True

    def runs(self) -> Iterator[tuple[str, int, list[dict[str, float]]]]:
        """The name of each run, the number of its values and its rows, one per step."""
        for run, values in self._runs.items():
            yield run, len(values), rows_by_step(values)


def long_form(names: list[str], rows: list[list[str]]) -> LongForm | None:
    """How to read a table with these names of columns and first rows in the long form; None where it has another.

    One column of texts holds names of series; a column called `value`, or else the only one with numbers that is no
    step and no time, holds their values.
    """
    rows = [row for row in rows if len(row) == len(names)]
    if not rows:
        return None
    columns = list(zip(*rows, strict=True))
    numeric = [all(NUMBER.fullmatch(cell) for cell in column if cell) and any(column) for column in columns]
    texts = [i for i, column in enumerate(columns) if not numeric[i] and all(column)]
    named = [i for i in texts if any(role(cell) in NAMED for cell in columns[i])]
    if len(named) != 1 or any(role(names[i]) in NAMED for i, is_numeric in enumerate(numeric) if is_numeric):
        return None
    roles = [role(name) for name in names]
    free = [i for i, is_numeric in enumerate(numeric) if is_numeric and roles[i] is None]
    said = [i for i in free if normal(names[i]).rsplit("_", 1)[-1] in ("value", "val", "값")] or free
    if len(said) != 1 or len(set(columns[named[0]])) > MOST_NAMES:
        return None

    def place(*wanted: str) -> int | None:
        return next((roles.index(found) for found in wanted if found in roles), None)

    of_run = re.compile(r"run|trial|experiment|실험")
    run = next((i for i in reversed(texts) if i != named[0] and of_run.search(normal(names[i]))), None)
    return LongForm(named[0], said[0], place("step", "epoch"), place("clock", "elapsed"), run)


def _number(cells: list[str], column: int | None) -> float:
    text = cells[column] if column is not None else ""
    return float(text) if NUMBER.fullmatch(text) else 0.0
