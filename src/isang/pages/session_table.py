"""An example session line by line: what is unusual in it, and what the normal session most like it has instead."""

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal, NamedTuple

from isang.formatting import printable

Mark = Literal["", "strange", "missing"]
SHOWN_CHARACTERS = 600
"""Maximum number of characters shown of each line of a record."""
FIRST_LINES, LAST_LINES = 5, 3
"""Lines shown at the beginning and the end of a record with many lines, such as a stack trace."""
SHOWN_EXPECTED = 3


class Note(NamedTuple):
    """A reason's statement about a line."""

    says: str
    expected: tuple[tuple[str, float], ...]
    """Templates that were likelier, with their probabilities."""
    missing: tuple[tuple[str, int], ...]
    """Templates that a normal session has there and this one lacks, with their frequency."""
    says_ko: str
    """The same in Korean; in English if the detector has no Korean sentence."""


class Line(NamedTuple):
    """A line of a session as it is shown."""

    source: str
    number: int | None
    time: str
    """Time of day, UTC; empty without timestamps."""
    level: str
    text: str


class Row(NamedTuple):
    """One row of the table: a line, and the corresponding line of the normal session."""

    mark: Mark
    """`strange`: named by a reason, or without a counterpart; `missing`: only in the normal session."""
    own: Line | None
    """None if the line is missing."""
    normal: Line | None
    notes: tuple[Note, ...] = ()
    """The reasons' statements about this line."""


def session_rows(example: Mapping[str, Any]) -> list[Row]:
    """The lines of an anomaly record's session in order, with the lines of `beside` that it lacks inserted in place.

    A line that both have at different positions is neither unusual nor missing: an unusual order is for reasons to
    report. Empty if the record holds no lines.
    """
    own: Sequence[Mapping[str, Any]] = example.get("lines", ())
    other: Sequence[Mapping[str, Any]] = (example.get("beside") or {}).get("lines", ())
    notes = notes_of(example)
    if not other:
        return [_row(line, None, line["position"] in notes, notes) for line in own]
    templates, expected = ([line["template"] for line in lines] for lines in (own, other))
    parts = SequenceMatcher(None, templates, expected, autojunk=False).get_opcodes()
    elsewhere: dict[str, deque[int]] = defaultdict(deque)
    for what, _, _, from_, until in parts:
        for place in range(from_, until) if what != "equal" else ():
            elsewhere[expected[place]].append(place)
    beside = {
        first + n: from_ + n for what, first, last, from_, _ in parts if what == "equal" for n in range(last - first)
    }
    for place, template in enumerate(templates):
        if place not in beside and elsewhere[template]:
            beside[place] = elsewhere[template].popleft()
    rows: list[Row] = []
    for _, first, last, from_, until in parts:
        for place in range(first, last):
            line, normal = own[place], other[beside[place]] if place in beside else None
            rows.append(_row(line, normal, normal is None or line["position"] in notes, notes))
        rows += [Row("missing", None, _line(other[n])) for n in range(from_, until) if n in elsewhere[expected[n]]]
    return rows


def notes_of(example: Mapping[str, Any]) -> dict[int, tuple[Note, ...]]:
    """The reasons' statements about the lines, by position."""
    notes: dict[int, tuple[Note, ...]] = {}
    for reason in example["reasons"]:
        line = reason.get("line")
        if line and "position" in line:
            note, before = note_of(reason), notes.get(line["position"], ())
            if note not in before:
                notes[line["position"]] = (*before, note)
    return notes


def note_of(reason: Mapping[str, Any]) -> Note:
    """What a reason says, what was likelier, and what is missing."""
    expected = tuple((shortened(item["template"]), item["probability"]) for item in reason.get("expected") or ())
    missing = tuple((shortened(item["template"]), item["count"]) for item in reason.get("missing") or ())
    says_ko = reason.get("says_ko") or reason["says"]
    return Note(printable(reason["says"]), expected[:SHOWN_EXPECTED], missing, printable(says_ko))


def ticket_lines(rows: Sequence[Row]) -> list[str]:
    """The rows as text: `! ` before what is strange, `- ` before what is missing."""
    signs = {"": "  ", "strange": "! ", "missing": "- "}
    lines = ((row.mark, row.own or row.normal) for row in rows)
    return [signs[mark] + line.text.split("\n", 1)[0] for mark, line in lines if line is not None]


def _row(
    line: Mapping[str, Any], normal: Mapping[str, Any] | None, strange: bool, notes: Mapping[int, tuple[Note, ...]]
) -> Row:
    beside = None if normal is None else _line(normal)
    return Row("strange" if strange else "", _line(line), beside, notes.get(line["position"], ()))


def _line(line: Mapping[str, Any]) -> Line:
    time = line["time"][11:23] if line["time"] else ""
    return Line(printable(line["source"]), line["number"], time, line["level"] or "", shortened(line["text"]))


def shortened(text: str) -> str:
    """The first lines of a record and, if it has many, its last ones, with control characters made visible.

    The last line of a stack trace often says what happened.
    """
    lines = text.splitlines()
    if len(lines) > FIRST_LINES + LAST_LINES:
        lines = [*lines[:FIRST_LINES], f"… {len(lines) - FIRST_LINES - LAST_LINES} lines …", *lines[-LAST_LINES:]]
    return "\n".join(
        printable(line[:SHOWN_CHARACTERS]) + (" …" if len(line) > SHOWN_CHARACTERS else "") for line in lines
    )
