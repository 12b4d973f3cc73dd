"""Tables that a training prints as text: a heading names the columns, the rows below hold bare numbers."""

import re

from isang.runs.read.series_names import role

Span = tuple[int, int]
Captured = dict[Span, tuple[str, float]]
"""The positions of the numbers of a line, each with its name and scale."""

Heading = tuple[str, ...]
"""The names of the columns of a table."""

MOST_COLUMNS = 60
_BETWEEN = re.compile(r"\t+| {2,}|\s*\|\s*")
_CELL = re.compile(r"[^\s|]+")
_TABBED = re.compile(r"[^\s|][^\t|]*")
_MISSING = re.compile(r"no log|n/?a|none|null|-+", re.IGNORECASE)
"""Matches cells without a value yet."""
_VALUE = re.compile(
    r"(?P<value>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|nan|inf)(?:/(?P<total>\d+)|%)?", re.IGNORECASE
)
_NO_NAME = re.compile(r"[={}]|:$|^[-+]?[\d.]+[,%)\]]*$")
_COMMENT = re.compile(r"^#+\s+(?=[A-Za-z])")
"""How a table for plotting marks its heading."""
_SHORT = {
    "E": "epoch", "#": "step", "Base Learning Rate": "learning_rate", "example counter": "step", "since last": "loss",
}  # fmt: skip
"""How spaCy, MATLAB and Vowpal Wabbit head their columns."""
_PARTS = {"box": "box_loss", "obj": "obj_loss", "cls": "cls_loss"}
"""How YOLOv5 heads its losses, all three of them."""
INDEX = "@index"
"""What the first cells of a printed DataFrame are called, which stand left of the names and have none."""


def heading_of(line: str, below: str = "") -> Heading:
    """The names of the columns, where the line is a heading with a step or an epoch and a loss; else empty.

    Between bars a name may go on in the line below.
    """
    line = _COMMENT.sub("", line)
    cells = [cell.strip('"') for cell in _BETWEEN.split(line.strip()) if cell]
    if len(cells) == 1:
        cells = [cell.strip('"') for cell in line.split()]
    if _is_barred(line) and _is_barred(below) and re.search(r"[^\W\d]", below) and not re.search(r"\d", below):
        upper, lower = _barred(line), _barred(below)
        if len(upper) == len(lower) == len(cells):
            cells = [f"{one[1]} {other[1]}".strip() for one, other in zip(upper, lower, strict=True)]
    elif joined := _stacked(line, below):
        cells = joined
    short = _SHORT | (_PARTS if set(_PARTS) <= set(cells) else {})
    if any(_NO_NAME.search(cell) for cell in cells):
        return ()  # a line of values with few digits
    names = tuple(short.get(cell, cell) for cell in cells)
    roles = {role(name) for name in names} if 2 <= len(names) <= MOST_COLUMNS else set()
    if not roles & {"loss", "validation", "metric"}:
        return ()
    printed = re.match(r" {2,}|\t", line) is not None or line.startswith('"')
    if roles & {"step", "epoch"}:
        return (INDEX, *names) if printed else names
    return (
        (INDEX, *names)
        if printed and len(names) > 1 and all(re.fullmatch(r"[^\W\d]\S*", name) for name in names)
        else ()
    )


def _stacked(line: str, below: str) -> list[str]:
    """The names of columns of two words above each other: `average since example` over `loss last counter`."""
    upper, lower = line.split(), below.split()
    if len(upper) != len(lower) or len(upper) < 4 or re.search(r"[\d|=:]", line + below):
        return []
    return [f"{one} {other}" for one, other in zip(upper, lower, strict=True)]


def held_out_heading(heading: Heading) -> Heading:
    """The heading of a table that was measured on held-out data."""
    shared = ("step", "epoch", "rate")
    return tuple(name if name == INDEX or role(name) in shared else f"val/{name}" for name in heading)


def cells_below(line: str, heading: Heading) -> Captured:
    """The numbers of a row below a heading; empty if the step, the epoch or the losses are not numbers.

    Between vertical bars a cell may be empty or hold words, as long as one of the losses is a number.
    """
    if _is_barred(line) and len(barred := _barred(line)) == len(heading):
        return _between_bars(barred, heading)
    cells = list((_TABBED if line.count("\t") >= len(heading) - 1 > 0 else _CELL).finditer(line))
    captured: Captured = {}
    if heading[0] == INDEX:
        heading = heading[1:]
        if len(cells) == len(heading) + 1:
            if not re.fullmatch(r'"?\d+"?', cells[0].group()):
                return {}
            cells = cells[1:]
    if len(cells) < len(heading):
        return {}
    for name, cell in zip(heading, cells, strict=False):
        value = _VALUE.fullmatch(cell.group().rstrip())
        if value is not None and name not in (known for known, _ in captured.values()):
            start = cell.start()
            captured[start + value.start("value"), start + value.end("value")] = (name, 1.0)
            if value["total"] and role(name) in ("step", "epoch"):
                captured[start + value.start("total"), start + value.end("total")] = (f"@{role(name)}_total", 1.0)
        elif role(name) in ("step", "epoch", "loss", "validation") and not _MISSING.fullmatch(cell.group().strip()):
            return {}
    return captured


def _is_barred(line: str) -> bool:
    """Whether the line has a bar at both of its ends and another one in it."""
    return line.count("|") > 2 and line.strip()[:1] == "|" == line.strip()[-1:]


def _barred(line: str) -> list[tuple[int, str]]:
    """The text between the vertical bars of a line, each with its start position."""
    start, cells = line.index("|") + 1, []
    for cell in line[start : line.rindex("|")].split("|"):
        cells.append((start + len(cell) - len(cell.lstrip()), cell.strip()))
        start += len(cell) + 1
    return cells


def _between_bars(cells: list[tuple[int, str]], heading: Heading) -> Captured:
    captured: Captured = {}
    losses = 0
    for name, (start, cell) in zip(heading, cells, strict=True):
        value = _VALUE.fullmatch(cell)
        if value is None and role(name) in ("step", "epoch"):
            return {}
        if value is None or name in (known for known, _ in captured.values()):
            continue
        losses += role(name) in ("loss", "validation", "metric")
        captured[start + value.start("value"), start + value.end("value")] = (name, 1.0)
    return captured if losses else {}
