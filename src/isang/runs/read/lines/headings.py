"""Tables that a training prints as text: a heading names the columns, the rows below hold bare numbers."""

import re

from isang.runs.read.series_names import role

Span = tuple[int, int]
Captured = dict[Span, tuple[str, float]]
"""Where the numbers of a line stand, each with its name and scale."""

MOST_COLUMNS = 60
_BETWEEN = re.compile(r"\t+| {2,}|\s*\|\s*")
_CELL = re.compile(r"[^\s|]+")
_VALUE = re.compile(r"(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)(?:/(?P<total>\d+))?", re.IGNORECASE)
_SHORT = {"E": "epoch", "#": "step"}
"""How spaCy heads its columns."""


def heading_of(line: str) -> tuple[str, ...]:
    """The names of the columns, where the line is a heading with a step or an epoch and a loss; else empty."""
    cells = [cell for cell in _BETWEEN.split(line.strip()) if cell]
    if len(cells) == 1:
        cells = line.split()
    names = tuple(_SHORT.get(cell, cell) for cell in cells)
    roles = {role(name) for name in names} if 2 <= len(names) <= MOST_COLUMNS else set()
    return names if roles & {"step", "epoch"} and roles & {"loss", "validation"} else ()


def cells_below(line: str, heading: tuple[str, ...]) -> Captured:
    """The numbers of a row below a heading; empty where the step, the epoch or the losses are no numbers."""
    cells = list(_CELL.finditer(line))
    captured: Captured = {}
    if len(cells) < len(heading):
        return {}
    for name, cell in zip(heading, cells, strict=False):
        value = _VALUE.fullmatch(cell.group())
        if value is not None and name not in (known for known, _ in captured.values()):
            start = cell.start()
            captured[start + value.start("value"), start + value.end("value")] = (name, 1.0)
            if value["total"] and role(name) in ("step", "epoch"):
                captured[start + value.start("total"), start + value.end("total")] = (f"@{role(name)}_total", 1.0)
        elif role(name) in ("step", "epoch", "loss", "validation"):
            return {}
    return captured
