"""Layouts inferred from a log's own lines: the position of the time, what precedes it, and the position of the
level."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from isang.logs.parsing.inferred.levels import ANY_LEVEL, LETTERS, LEVELS, level_place, message_with_level
from isang.logs.parsing.inferred.readings import reading_of, share_rising, since_start
from isang.logs.parsing.inferred.time_forms import FoundTime, find_time, known_clock
from isang.logs.parsing.regex import ascii_only
from isang.logs.parsing.timestamps import EPOCH, SINCE_START, Clock

_MAX_LINES = 200
"""Lines of the sample that are looked at."""
_MAX_PREFIX = 80
_MAX_WORDS = 8
"""Before the time."""
_SENTENCE = 3
"""So many words before a time may be a sentence."""
_MAX_LAYOUTS = 3
_LEAST_SHARE = 0.05
_MOSTLY = 0.9
_MANY = 0.75
"""Where fewer lines have their time in the same place, it may be anywhere; times of which fewer rise are no log's."""
_BEHIND_TIME = r"(?:,\d{3})?[\])>}]?[\s,:|\-\u2013]*"
_ENDS_HEADING = r"[\s\])>},:|=*#\-\u2013]*$"
_BEFORE_COUNT = r"[\[(<]?\s*(?:[Tt]\s?)?[+=]?"
_SINCE_START = re.compile(rf"{_BEFORE_COUNT}({SINCE_START.pattern})(?=\s?s?[\])>:,|\s])")
_IN_BRACKETS = r"[^\[\]]{0,160}\]:?\s*"
"""What else the brackets hold in which a time stands, and their end."""
_LEVEL_WITHIN = rf"(?:.{{0,{_MAX_PREFIX}}}?[^\w])?(?P<level>{'|'.join(LEVELS)})[^\w].{{0,{_MAX_PREFIX}}}?"
_LEVEL_WORD = r"[\[(<{]*(?P<level>~)[\])>}:,|]*"
_FEW_LEVELS = 8
_EPOCH = re.compile(r"(?<![\w.:/-])(?:@[0-9a-f]{24}|[12]\d{9}(?:[.,]\d{1,9})?|1\d{12}|1\d{15}|1\d{18})(?![\w.-]|:\S)")


@dataclass(frozen=True)
class General:
    """A layout made from the lines, in parts."""

    pattern: str
    clock: Clock | None
    """None where the lines have a level in its place, and no time."""
    heading: str
    """Of times on a line of their own: the shape of that line."""
    canonical: list[str]
    """The lines of the sample with the time as ISO 8601 has it: what known layouts say of them is true of the log."""
    anywhere: bool = False
    """The time may be anywhere in the line."""


@dataclass(frozen=True)
class _LinePlace:
    line: str
    found: FoundTime | None
    start: int
    end: int
    counted: bool = False
    """The time is a number of seconds since a start."""

    @property
    def prefix(self) -> str:
        return self.line[: self.start]

    @property
    def rest(self) -> str:
        return self.line[self.end :]

    @property
    def time(self) -> str:
        return self.line[self.start : self.end]


def general_layouts(
    lines: Sequence[str], *, zone: str, reference: datetime, date_order: str = "auto"
) -> Iterator[General]:
    """The layouts that the lines' own times make, the most frequent first."""
    step = max(1, len(lines) // _MAX_LINES)
    looked_at = list(lines[::step])
    groups: dict[object, list[_LinePlace]] = defaultdict(list)
    for place in filter(None, map(_place, looked_at)):
        form = None if place.found is None else place.found.form
        groups[form, len(_words(place.prefix)) if not place.counted else SINCE_START].append(place)
    if not groups and (level := level_place(looked_at)) is not None and _behind_words(level, looked_at):
        yield General(ascii_only(f"^{level}(?P<message>.*)$"), None, "", looked_at)
    largest = max(map(len, groups.values()), default=0)
    for places in sorted(groups.values(), key=len, reverse=True)[:_MAX_LAYOUTS]:
        least = _MOSTLY if places[0].counted else _LEAST_SHARE
        if len(places) < max(1, least * len(looked_at)):
            continue
        clock = _clock(places, zone, reference, date_order)
        if clock is not None and not _is_said(places, clock, zone, reference):
            yield _general(places, clock)
    within = _dated_within(looked_at, zone, reference, date_order) if largest < _MANY * len(looked_at) else None
    if within is not None:
        yield within


def _place(line: str) -> _LinePlace | None:
    found = find_time(line)
    if found is not None and found.form.date is None:
        epoch = _EPOCH.match(line)
        if epoch is not None:
            return _LinePlace(line, None, *epoch.span())
    if found is None:
        epoch = _EPOCH.search(line[:_MAX_PREFIX])
        place = _counted(line) if epoch is None else _LinePlace(line, None, *epoch.span())
    else:
        place = _LinePlace(line, found, found.start, found.end)
    if place is None or place.start > _MAX_PREFIX or len(_words(place.prefix)) > _MAX_WORDS:
        return None
    return place


def _counted(line: str) -> _LinePlace | None:
    since = _SINCE_START.match(line)
    return None if since is None else _LinePlace(line, None, *since.span(1), counted=True)


def _clock(places: Sequence[_LinePlace], zone: str, reference: datetime, date_order: str) -> Clock | None:
    times = pl.Series([place.time for place in places])
    found = places[0].found
    if places[0].counted:
        return SINCE_START if since_start(times) else None
    known = known_clock(times.to_list())
    if known is not None:
        return known
    if found is None:
        return EPOCH
    clocks = found.form.readings()
    reading = reading_of(times, zone=zone, reference=reference, date_order=date_order, clocks=clocks)
    return None if reading is None else reading.clock


def _is_said(places: Sequence[_LinePlace], clock: Clock, zone: str, reference: datetime) -> bool:
    """Whether the times are what the messages are about: they stand within sentences and often fall."""
    if len(_words(places[0].prefix)) < _SENTENCE or places[0].prefix.endswith(tuple("[(<")):
        return False
    rising = share_rising(pl.Series([place.time for place in places]), clock, zone, reference)
    return rising is not None and rising < _MANY


def _general(places: Sequence[_LinePlace], clock: Clock) -> General:
    rests = [_behind(place.rest) for place in places]
    canonical = [f"{place.prefix}2000-01-01 00:00:00.000{place.rest}" for place in places]
    time = f"(?P<time>{clock.pattern})"
    prefixes = [place.prefix for place in places]
    if places[0].counted:
        prefix, time = _BEFORE_COUNT, rf"{time}\s?s?"
        rests = [re.sub(r"^\s?s?[\])>}]?[\s,:|\-]*", "", place.rest) for place in places]
    else:
        prefix = _prefix(prefixes, level=False)
    if sum(re.match(_ENDS_HEADING, rest) is not None for rest in rests) >= _MOSTLY * len(rests):
        prefix = prefix if places[0].counted else _prefix(prefixes, level=True)
        return General(r"^(?P<message>\S.*)$", clock, ascii_only(f"^{prefix}{time}{_ENDS_HEADING}"), canonical)
    bracketed = sum(map(_is_in_brackets, places)) >= _MOSTLY * len(places)
    level = level_place(rests, bracketed=bracketed)
    if level is not None and sum(_says_nothing(level, rest) for rest in rests) >= _MOSTLY * len(rests):
        level = None  # nothing is left for the message
    if level is None and not places[0].counted:
        prefix = _prefix(prefixes, level=True)
    message = "(?P<message>.*)"
    if level is None and "(?P<level>" not in prefix:
        message = message_with_level(rests) or message
    middle = "" if level is None else f"(?:{level})?"
    if level is not None and bracketed:
        middle += f"(?:{_IN_BRACKETS})?"
    return General(ascii_only(f"^{prefix}{time}{_BEHIND_TIME}{middle}{message}$"), clock, "", canonical)


def _behind_words(level: str, lines: Sequence[str]) -> bool:
    """Whether nearly all lines have a level, and something in front of it."""
    found = [match for line in lines if (match := re.match(level, line)) is not None]
    behind = sum(re.search(r"\w", match[0][: match.start("level")]) is not None for match in found)
    return behind >= _MOSTLY * len(lines)


def _says_nothing(level: str, rest: str) -> bool:
    found = re.match(level, rest)
    return found is not None and re.search(r"\w", rest[found.end() :]) is None


def _dated_within(lines: Sequence[str], zone: str, reference: datetime, date_order: str) -> General | None:
    """A layout of lines that have their time anywhere, and keep it in their message.

    The times are of one form and hardly ever fall.
    """
    found = [(line, time) for line in lines if (time := find_time(line)) is not None and time.form.date is not None]
    forms = Counter(time.form for _, time in found).most_common(1)
    if not forms or forms[0][1] < _MOSTLY * len(lines):
        return None
    of_form = [(line, time) for line, time in found if time.form == forms[0][0]]
    places = [_LinePlace(line, time, time.start, time.end) for line, time in of_form]
    clock = _clock(places, zone, reference, date_order)
    if clock is None:
        return None
    rising = share_rising(pl.Series([place.time for place in places]), clock, zone, reference)
    if rising is None or rising < _MOSTLY:
        return None
    canonical = [f"{place.prefix}2000-01-01 00:00:00.000{place.rest}" for place in places]
    pattern = ascii_only(f"^(?P<message>.*?(?P<time>{clock.pattern}).*)$")
    return General(pattern, clock, "", canonical, anywhere=True)


def _is_in_brackets(place: _LinePlace) -> bool:
    """Whether the time stands in brackets that hold something else behind it."""
    inside = place.prefix.count("[") - place.prefix.count("]") == 1
    return inside and re.match(rf"[\s,:|/]+\S{_IN_BRACKETS}", place.rest) is not None


def _behind(rest: str) -> str:
    match = re.match(_BEHIND_TIME, rest)
    return rest[match.end() :] if match is not None else rest


def _words(prefix: str) -> list[str]:
    return prefix.split()


def _prefix(prefixes: Sequence[str], *, level: bool) -> str:
    """An expression for the text before the time; with `level` one of its words may be the level."""
    if not any(prefixes):
        return ""
    if not any(prefix.strip() for prefix in prefixes):
        return r"\s*"
    glued = any(prefix[-1:].strip() for prefix in prefixes)
    columns = list(zip(*(_words(prefix) for prefix in prefixes), strict=True))
    parts, named = [], False
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        if level and not named and (pattern := _level_in(column)) is not None:
            parts.append(pattern)
            named = True
        elif last and glued and all(re.fullmatch(r"[\[(<{|]+", word) for word in column):
            parts.append(r"[\[(<{|]{1,3}")
        else:
            parts.append(_word(column, glued=last and glued))
    if level and not named and all(map(re.compile(_LEVEL_WITHIN).match, prefixes)):
        return _LEVEL_WITHIN
    optional = r"\s*" if any(prefix[:1].isspace() for prefix in prefixes) else ""
    return optional + r"\s+".join(parts) + ("" if glued else r"\s+")


def _word(column: Sequence[str], *, glued: bool) -> str:
    values = Counter(column)
    if len(values) == 1 and not any(map(str.isdigit, column[0])):
        return re.escape(column[0])
    return r"\S+?" if glued else r"\S+"


def _level_in(column: Sequence[str]) -> str | None:
    """An expression for a word before the time that is a level in every line, alone or in brackets."""
    letter = f"[{''.join(LETTERS)}]"
    for level, least in ((ANY_LEVEL, 1), (letter, 2)):
        pattern = _LEVEL_WORD.replace("~", level)
        if len(set(column)) >= least and all(re.fullmatch(pattern, word) for word in column):
            return pattern
    known = sum(re.fullmatch(_LEVEL_WORD.replace("~", ANY_LEVEL), word) is not None for word in column)
    capitals = _LEVEL_WORD.replace("~", "[A-Z]{3,12}")
    few = len(set(column)) <= _FEW_LEVELS and known >= len(column) / 2
    return capitals if few and all(re.fullmatch(capitals, word) for word in column) else None
