"""An example session line by line: what is unusual in it, and what the normal session most like it has instead."""

from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from isang.formatting import printable

Mark = Literal["", "strange", "missing"]
SHOWN_CHARACTERS = 600
"""Of each line of a record."""
FIRST_LINES, LAST_LINES = 5, 3
"""Of a record with a stack trace."""


class Row(NamedTuple):
    """One line of the table."""

    mark: Mark
    """`strange`: named by a reason, or without a counterpart; `missing`: it stands in the normal session alone."""
    source: str
    number: int
    time: str
    """Of the day, UTC; empty without a clock."""
    level: str
    text: str
    notes: tuple[str, ...]
    """What the reasons say of this line."""


def session_rows(example: Mapping[str, Any]) -> list[Row]:
    """The lines of an anomaly record's session in order; lines of `beside` that it lacks stand where they should be.

    Empty where the record holds no lines.
    """
    own: Sequence[Mapping[str, Any]] = example.get("lines", ())
    other: Sequence[Mapping[str, Any]] = (example.get("beside") or {}).get("lines", ())
    notes = _notes(example)
    if not other:
        return [_row(line, "strange" if line["position"] in notes else "", notes) for line in own]
    templates, expected = ([line["template"] for line in lines] for lines in (own, other))
    rows: list[Row] = []
    for what, first, last, from_, until in SequenceMatcher(None, templates, expected, autojunk=False).get_opcodes():
        for line in own[first:last]:
            strange = what != "equal" or line["position"] in notes
            rows.append(_row(line, "strange" if strange else "", notes))
        if what != "equal":
            rows += [_row(line, "missing", {}) for line in other[from_:until]]
    return rows


def _notes(example: Mapping[str, Any]) -> dict[int, tuple[str, ...]]:
    """What the reasons say of the lines, by their positions."""
    notes: dict[int, tuple[str, ...]] = {}
    for reason in example["reasons"]:
        line = reason.get("line")
        if line and "position" in line and reason["says"] not in notes.get(line["position"], ()):
            notes[line["position"]] = (*notes.get(line["position"], ()), reason["says"])
    return notes


def _row(line: Mapping[str, Any], mark: Mark, notes: Mapping[int, tuple[str, ...]]) -> Row:
    time = line["time"][11:23] if line["time"] else ""
    of_it = () if mark == "missing" else notes.get(line["position"], ())
    return Row(
        mark, printable(line["source"]), line["number"], time, line["level"] or "", shortened(line["text"]), of_it
    )


def shortened(text: str) -> str:
    """The first lines of a record and, where it has many, its last ones, with control characters made visible.

    The last line of a stack trace is often the one that says what happened.
    """
    lines = text.splitlines()
    if len(lines) > FIRST_LINES + LAST_LINES:
        lines = [*lines[:FIRST_LINES], f"… {len(lines) - FIRST_LINES - LAST_LINES} …", *lines[-LAST_LINES:]]
    return "\n".join(
        printable(line[:SHOWN_CHARACTERS]) + (" …" if len(line) > SHOWN_CHARACTERS else "") for line in lines
    )
