"""Lines of text to named numbers, one line shape at a time.

Lines of a log repeat: without their digits, the 192,520 progress lines of a run are ten different strings. The slow,
careful reading of names and numbers happens once per shape; all lines of the shape are then read by one compiled
expression. Lines whose digits stand elsewhere than in the shape's example get a shape of their own.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np

from isang.runs.read.columns import Column
from isang.runs.read.lines.headings import Captured, Heading, heading_of, held_out_heading
from isang.runs.read.lines.line_fields import numbers_of_line
from isang.runs.read.lines.own_log import is_normal_sessions
from isang.runs.read.rows import BAR, BAR_TOTAL, RECORD, RECORD_WORDS
from isang.runs.read.series_names import normal, role
from isang.runs.read.table import Floats, Integers

MAX_SHAPES = 20_000
"""Beyond this many shapes a file is prose; further shapes are not read."""

MAX_HEADINGS = 20
"""Different headings of tables in one file."""

SCANNED = 4_096
"""Names and numbers are looked for in this many characters of a line."""

_NOTHING = re.compile(b"(?!)")
_DIGITS = b"0123456789"
_ANSI = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]{0,200}\x07")
_HELD_OUT_ABOVE = re.compile(rb"(?:^|[|\]:] ?)\W{0,9}(?:test|val|valid|validation|eval|evaluation|dev)\W{0,9}$", re.I)
"""A line that says on which data the table below it was measured."""
_OWN_RECORD = re.compile(r"[\d :,-]{19,30} INFO (" + "|".join(RECORD_WORDS) + r") \w+=")

TOTALS = {"@batches", "@step_total", "@epoch_total"}
_BAR_ALONE = {"@batch", "@batches", "@bar_seconds"}
_BAR_RATE = re.compile(r"(?:it/s|s/it)\b")


@dataclass
class Shape:
    """How the lines of one shape are read: the names of the captured numbers, in order, each with its scale."""

    pattern: re.Pattern[bytes]
    fields: tuple[tuple[str, float], ...]
    commas: bool
    """Whether numbers hold thousands separators."""
    prose: str = ""
    """The example, for lines that hold facts about the run."""
    record: float = 0.0
    """Which of RECORD_WORDS begins the line; 0 for none."""


class ShapeReader:
    """Feed it blocks of lines; `columns` grow in file order."""

    def __init__(self) -> None:
        self.blank = 0
        self.prose = 0
        self.unread = 0
        self.prose_lines: list[str] = []
        self.totals: dict[str, float] = {}
        """The largest number of batches, steps and epochs that lines like `3/10` name as the whole."""
        self.columns: dict[str, Column] = {}
        """By name; a row is a line that held at least one named number."""
        self.rows = 0
        self._shapes: dict[bytes, dict[Heading, list[Shape]]] = {}
        """By the digitless line and the heading above it."""
        self._block: dict[tuple[str, ...], list[tuple[list[int], dict[str, Floats]]]] = {}
        """What was read from the block at hand, by the names in it: lines of the block, and their numbers by name."""
        self._spelling: dict[str, str] = {}  # `Loss` and `loss` are one series
        self._nan_rows: dict[str, list[Integers]] = {}
        self._headings: dict[bytes, tuple[str, ...]] = {}
        """Of tables, by the digitless line."""
        self._heading: tuple[str, ...] = ()
        """The last heading of the blocks so far."""

    def feed(self, lines: list[bytes]) -> None:
        """Read a block of lines, the next ones of the file."""
        skeletons = b"\n".join(lines).translate(None, _DIGITS).split(b"\n")
        groups: dict[bytes, list[int]] = {}
        for index, skeleton in enumerate(skeletons):
            members = groups.get(skeleton)
            if members is None:
                groups[skeleton] = [index]
            else:
                members.append(index)
        places = self._places_of_headings(groups, lines)
        for skeleton, members in groups.items():
            for heading, below in self._by_heading(members, places):
                self._feed_group(skeleton, below, lines, heading)
        if places:
            self._heading = places[-1][1]
        self._close_block()

    def _places_of_headings(self, groups: dict[bytes, list[int]], lines: list[bytes]) -> list[tuple[int, Heading]]:
        """Where in a block the headings of tables stand, ascending."""
        places: list[tuple[int, Heading]] = []
        for skeleton, members in groups.items():
            first = members[0]
            if skeleton not in self._shapes and len(lines[first]) - len(skeleton) < 5:  # hardly a digit
                above = lines[first - 1] if first else b""
                if len(self._headings) < MAX_HEADINGS and (found := heading_of(*_texts(lines[first : first + 2]))):
                    self._headings[skeleton] = held_out_heading(found) if _HELD_OUT_ABOVE.search(above) else found
            if skeleton in self._headings:
                places += [(member, self._headings[skeleton]) for member in members]
        return sorted(places)

    def _by_heading(self, members: list[int], places: list[tuple[int, Heading]]) -> list[tuple[Heading, list[int]]]:
        """The lines of one skeleton, apart where different headings stand above them."""
        if len({heading for _, heading in places} | {self._heading}) == 1:
            return [(self._heading, members)]
        starts = [place for place, _ in places]
        apart: dict[Heading, list[int]] = {}
        for member in members:
            before = bisect_left(starts, member)
            apart.setdefault(places[before - 1][1] if before else self._heading, []).append(member)
        return list(apart.items())

    def _feed_group(self, skeleton: bytes, members: list[int], lines: list[bytes], heading: Heading) -> None:
        if not skeleton.strip() and not lines[members[0]].strip():
            self.blank += len(members)
            return
        known = self._shapes.get(skeleton, {}).get(heading)
        if known is None:
            if len(self._shapes) >= MAX_SHAPES:
                self.prose += len(members)
                return
            known = self._shapes.setdefault(skeleton, {}).setdefault(heading, [])
        waiting, tried = members, 0
        while waiting:
            if tried == len(known):
                if tried >= 16:  # the digits wander: not a line of data
                    self.unread += len(waiting)
                    return
                known.append(learn(lines[waiting[0]], heading))
            waiting = self._apply(known[tried], waiting, lines)
            tried += 1

    def _apply(self, shape: Shape, members: list[int], lines: list[bytes]) -> list[int]:
        """Read the members that fit the shape; return the others."""
        if not shape.fields:
            self.prose += len(members)
            self._keep_prose(shape)
            return []
        chosen = [lines[index] for index in members]
        found: list[Any] = shape.pattern.findall(b"\n".join(chosen))
        left: list[int] = []
        if len(found) != len(members):
            found, fitting = [], []
            for index, line in zip(members, chosen, strict=True):
                match = shape.pattern.fullmatch(line)
                if match:
                    fitting.append(index)
                    found.append(match.groups() if len(shape.fields) > 1 else match.group(1))
                else:
                    left.append(index)
            members = fitting
        if members:
            self._store(shape, members, found)
        return left

    def _store(self, shape: Shape, members: list[int], found: list[Any]) -> None:
        self._keep_prose(shape)
        texts = list(zip(*found, strict=True)) if len(shape.fields) > 1 else [tuple(found)]
        numbers: dict[str, Floats] = {}
        for (name, scale), column in zip(shape.fields, texts, strict=True):
            values = _floats(column, shape.commas)
            if scale != 1.0:
                values = values * scale
            numbers[name] = numbers[name] + values if name in numbers else values
        for name in TOTALS & numbers.keys():
            self.totals[name] = max(self.totals.get(name, 0.0), float(np.nanmax(numbers.pop(name))))
        if "@year" in numbers:
            numbers["@date"] = _date(*(numbers.pop(part) for part in ("@year", "@month", "@day", "@time")))
        if shape.record:
            numbers[RECORD] = np.full(len(members), shape.record)
        self._block.setdefault(tuple(numbers), []).append((members, numbers))

    def _keep_prose(self, shape: Shape) -> None:
        if shape.prose and len(self.prose_lines) < 5_000:
            self.prose_lines.append(shape.prose)
        shape.prose = ""

    def _close_block(self) -> None:
        """Put the numbers of the block into the columns, in the order of its lines."""
        read = [piece for pieces in self._block.values() for piece in pieces]
        self._block = {}
        if not read:
            return
        lines = np.concatenate([members for members, _ in read])
        place = np.empty(len(lines), dtype=np.int64)
        place[np.argsort(lines)] = np.arange(len(lines))
        block: dict[str, Floats] = {}
        start = 0
        for members, numbers in read:
            rows = place[start : start + len(members)]
            start += len(members)
            for raw, values in numbers.items():
                name = self._spelling.setdefault(raw if raw.startswith("@") else normal(raw), raw)
                block.setdefault(name, np.full(len(lines), np.nan))[rows] = values
                missing = np.isnan(values)
                if missing.any():
                    self._nan_rows.setdefault(name, []).append(self.rows + rows[missing])
        for name, values in block.items():
            column = self.columns.setdefault(name, Column())
            column.extend_to(self.rows)
            column.append(values)
        self.rows += len(lines)

    def nan_rows(self) -> dict[str, Integers]:
        """By name the rows at which the logged value was itself NaN, ascending."""
        return {name: np.sort(np.concatenate(where)) for name, where in self._nan_rows.items()}


def without_colours(block: bytes) -> bytes:
    """The text without ANSI escape sequences."""
    return _ANSI.sub(b"", block) if b"\x1b" in block else block


def learn(line: bytes, heading: tuple[str, ...] = ()) -> Shape:
    """The shape of a line: which of its numbers have a name, in it or in the heading above it."""
    text = line.decode("utf-8", "surrogateescape")
    head = text[:SCANNED]
    if is_normal_sessions(head):
        return Shape(_NOTHING, (), False, prose=head)  # numbers in it are parts of other logs
    captured = numbers_of_line(head, heading)
    if {name for name, _ in captured.values()} == _BAR_ALONE and _BAR_RATE.search(head):
        captured = _bar_alone(captured)
    elif not any(not name.startswith("@") or name == "@time" for name, _ in captured.values()):
        return Shape(_NOTHING, (), False, prose=text[:1000])  # a bar without a name, digits in prose
    spans = sorted(captured)
    pieces: list[str] = []
    end = 0
    for span in spans:
        pieces += [_literal(text[end : span[0]]), "(", _number_like(text[slice(*span)]), ")"]
        end = span[1]
    pieces.append(_literal(head[end:]) + (".*" if len(text) > SCANNED else ""))
    pattern = re.compile(b"^" + "".join(pieces).encode("utf-8", "surrogateescape") + b"$", re.MULTILINE)
    fields = tuple(captured[span] for span in spans)
    commas = any("," in text[slice(*span)] for span in spans)
    stated = not any(role(name) in ("step", "batch", "loss") for name, _ in fields)
    record = _OWN_RECORD.match(text)
    number = 1.0 + RECORD_WORDS.index(record.group(1)) if record else 0.0
    return Shape(pattern, fields, commas, prose=text[:1000] if stated or record else "", record=number)


def _texts(lines: list[bytes]) -> list[str]:
    return [line[:SCANNED].decode("utf-8", "replace") for line in lines]


def _bar_alone(captured: Captured) -> Captured:
    """A progress bar on a line of its own, which says where the lines around it stand."""
    names = {"@batch": BAR, "@batches": BAR_TOTAL}
    return {span: (names[name], scale) for span, (name, scale) in captured.items() if name in names}


def _literal(text: str) -> str:
    return re.sub(r"(?:\\?\d)+", "[0-9]*", re.escape(text)) if text else ""


def _number_like(text: str) -> str:
    return re.sub(r"\d+", "[0-9]*", re.escape(text))


def _floats(texts: tuple[bytes, ...], commas: bool) -> Floats:
    """Numbers from their texts; NaN for texts that are not numbers, such as empty ones."""
    if texts.count(texts[0]) == len(texts):  # such as the number of batches: one number for all lines
        return np.full(len(texts), _float(texts[0].replace(b",", b"") if commas else texts[0]))
    if commas:
        texts = tuple(text.replace(b",", b"") for text in texts)
    try:
        return np.array(texts, dtype=np.bytes_).astype(np.float64)
    except ValueError:
        return np.array([_float(text) for text in texts])


def _date(year: Floats, month: Floats, day: Floats, seconds: Floats) -> Floats:
    """Seconds since 1970 of dates read as UTC; NaN for impossible ones."""
    possible = (year >= 1900) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = ((np.where(possible, year, 1970) - 1970) * 12 + np.where(possible, month, 1) - 1).astype(np.int64)
    first_days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.where(possible, (first_days + np.where(possible, day, 1) - 1) * 86_400.0 + seconds, np.nan)


def _float(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
