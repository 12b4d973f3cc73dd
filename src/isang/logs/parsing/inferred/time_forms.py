"""A grammar of times: dates, times of day, zones and separators, combined as in a log's lines."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from isang.logs.parsing.inferred.time_words import DAY, HALF, MINUTES, MONTH, OFFSET, may_name_a_month
from isang.logs.parsing.timestamps import CLOCKS, Clock

LOOKED_AT = 160
"""A time is looked for in this many characters of a line's beginning."""
_REMEMBERED = 1_024
"""For so many beginnings what was found is kept: the same sample is looked at by several questions."""
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Part:
    """A date or a time of day."""

    name: str
    pattern: str
    formats: tuple[str, ...]
    """strptime formats, one a reading, the usual one first."""
    lacks: str | None = None
    wordy: bool = False
    """Whether it contains words."""
    compact: bool = False
    """Digits alone: goes with a compact time of day or one with colons."""
    only: str = ""
    """The one separator it goes with, if there is just one."""


def _numbers(name: str, pattern: str, formats: str, **more: bool | str) -> Iterator[Part]:
    """A date of numbers with each of the usual separators in the place of `~`."""
    for word, mark in (("dashed", "-"), ("slashed", "/"), ("dotted", ".")):
        readings = tuple(form.replace("~", mark) for form in formats.split())
        if mark == "." and len(readings) == 3:
            readings = (readings[1], readings[2], readings[0])  # where dots are usual, the day stands first
        if (mark == "-" and len(readings) == 2) or (mark == "." and len(readings) == 2):
            readings = readings[::-1]
        yield Part(f"{name}-{word}", pattern.replace("~", re.escape(mark)), readings, **more)  # type: ignore[arg-type]


_DAY_NUMBER = r"(?:0?[1-9]|[12]\d|3[01])"
_YEAR = r"(?:19|20)\d{2}"
DATES: tuple[Part, ...] = (
    *_numbers("year-first", r"(?:19|20)\d{2}~\d{1,2}~\d{1,2}", "%Y~%m~%d"),
    Part("year-first-colons", r"(?:19|20)\d{2}:[01]\d:[0-3]\d", ("%Y:%m:%d",)),
    Part("year-day", r"(?:19|20)\d{2}-[0-3]\d{2}", ("%Y-%j",)),
    Part("year-spaced", r"(?:19|20)\d{2}\. \d{1,2}\. \d{1,2}\.", ("%Y. %m. %d.",)),
    *_numbers("year-last", r"\d{1,2}~\d{1,2}~(?:19|20)\d{2}", "%m~%d~%Y %d~%m~%Y"),
    *_numbers("year-short", r"\d{1,2}~\d{1,2}~\d{2}", "%y~%m~%d %d~%m~%y %m~%d~%y"),
    Part("year-words", r"(?:19|20)\d{2}[년年]\s?\d{1,2}[월月]\s?\d{1,2}[일日]", ("%Y %b %d",), wordy=True),
    *(
        Part(f"{name}-{word}", pattern.replace("~", mark), (form.replace("~", out),), wordy=True)
        for name, pattern, form in (
            ("day-month-year", rf"\d{{1,2}}~(?:{MONTH})~(?:19|20)\d{{2}}", "%d~%b~%Y"),
            ("day-month-short-year", rf"\d{{1,2}}~(?:{MONTH})~\d{{2}}", "%d~%b~%y"),
            ("year-month-day", rf"(?:19|20)\d{{2}}~(?:{MONTH})~\d{{1,2}}", "%Y~%b~%d"),
        )
        for word, mark, out in (("dashed", "-", "-"), ("slashed", "/", "/"), ("dotted", r"\.", "."), ("glued", "", ""))
    ),
    *(
        Part(f"{name}-{word}", rf"(?:{MONTH}){mark}\d{{1,2}}{mark}{year}", (f"%b{mark}%d{mark}{form}",), wordy=True)
        for name, year, form in (("month-day-year", _YEAR, "%Y"), ("month-day-short-year", r"\d{2}", "%y"))
        for word, mark in (("dashed", "-"), ("slashed", "/"))
    ),
    Part(
        "day-month-year",
        rf"\d{{1,2}}\.?\s+(?:de\s+)?(?:{MONTH}),?\s+(?:de\s+)?(?:19|20)\d{{2}}",
        ("%d %b %Y",),
        wordy=True,
    ),
    Part("year-month-day", rf"(?:19|20)\d{{2}}\s+(?:{MONTH})\s+\d{{1,2}}", ("%Y %b %d",), wordy=True),
    Part("month-day-year", rf"(?:{MONTH})\s+\d{{1,2}},?\s+(?:19|20)\d{{2}}", ("%b %d %Y",), wordy=True),
    Part("month-day", rf"(?:{MONTH})\s+\d{{1,2}}", ("%b %d",), "year", wordy=True),
    Part("day-month", rf"\d{{1,2}}\.?\s(?:{MONTH})", ("%d %b",), "year", wordy=True),
    Part("day-month-dashed", rf"\d{{1,2}}-(?:{MONTH})", ("%d-%b",), "year", wordy=True),
    Part("compact", r"(?:19|20)\d{2}[01]\d[0-3]\d", ("%Y%m%d",), compact=True),
    Part("compact-month-day", r"[01]\d[0-3]\d", ("%m%d",), "year", compact=True, only="/"),
    Part("compact-short", r"\d{6}", ("%y%m%d", "%d%m%y"), compact=True),
    Part("two-numbers-slashed", r"\d{1,2}/\d{1,2}", ("%m/%d", "%d/%m"), "year"),
    Part("two-numbers-dashed", r"\d{2}-\d{2}", ("%m-%d", "%d-%m"), "year"),
    Part("two-numbers-dotted", r"\d{2}\.\d{2}\.?", ("%d.%m.", "%d.%m", "%m.%d"), "year"),
)  # fmt: skip
_SECONDS = r"\d{1,2}:\d{2}:\d{2}(?:[.,:]\d{1,9})?"
_IN_WORDS = r"\d{1,2}[시時时]\s?\d{1,2}[분分]\s?\d{1,2}[초秒]"
TIMES: tuple[Part, ...] = (
    Part("half-behind", rf"{_SECONDS}\s?(?:{HALF})", ("%I:%M:%S%.f %p",), wordy=True),
    Part("half-before", rf"(?:{HALF})\s?{_SECONDS}", ("%p %I:%M:%S%.f",), wordy=True),
    Part("seconds", _SECONDS, ("%H:%M:%S%.f",)),
    Part("half-words", rf"(?:{HALF})\s?{_IN_WORDS}", ("%p %I:%M:%S",), wordy=True),
    Part("words", _IN_WORDS, ("%H:%M:%S",), wordy=True),
    Part("minutes-half-behind", rf"\d{{1,2}}:\d{{2}}\s?(?:{HALF})", ("%I:%M %p",), wordy=True),
    Part("minutes-half-before", rf"(?:{HALF})\s?\d{{1,2}}:\d{{2}}", ("%p %I:%M",), wordy=True),
    Part("minutes", r"\d{1,2}:\d{2}", ("%H:%M",)),
    Part("dotted-seconds", r"\d{2}\.\d{2}\.\d{2}(?:[.,:]\d{1,9})?", ("%H.%M.%S%.f",)),
    Part("dashed-seconds", r"\d{2}-\d{2}-\d{2}", ("%H-%M-%S",)),
    Part("unpadded-seconds", r"\d{1,2}:\d{1,2}:\d{1,2}(?:[.,:]\d{1,9})?", ("%H:%M:%S%.f",)),
    Part(
        "dotted-seconds-half",
        rf"\d{{1,2}}\.\d{{2}}\.\d{{2}}(?:[.,:]\d{{1,9}})?\s?(?:{HALF})", ("%I.%M.%S%.f %p",), wordy=True,
    ),
    Part("compact-seconds", r"[0-2]\d[0-5]\d[0-6]\d(?:[.,]\d{1,9}|\d{3})?", ("%H%M%S%.f", "%H%M%S%3f"), compact=True),
)  # fmt: skip
BETWEEN: tuple[tuple[str, str], ...] = (
    (r",?\s+(?:(?:@|at|-|um|à)\s)?", " "),
    ("T", "T"),
    ("-", "-"),
    ("_", "_"),
    (":", ":"),
    ("::", "::"),
    (r"\.", "."),
    ("/", "/"),
    (r"\|", "|"),
    (r" \| ", " | "),
    (";", ";"),
    (",", "."),  # as a comma between digits is left
    (r"\]\[", "]["),
    (r"\] \[", "] ["),
    ("", ""),
)  # fmt: skip
"""Separators of date and time: pattern, and its replacement before parsing."""


def _zone(time: Part) -> str:
    """The pattern of an optional zone after a time of day."""
    offset = f"{MINUTES}|{OFFSET}" if time.name == "dotted-seconds" else OFFSET
    return rf"(?:(?:{offset})(?!\w|:\d))?"


@dataclass(frozen=True)
class FoundTime:
    """A time in a line."""

    start: int
    end: int
    form: "Form"


@dataclass(frozen=True)
class Form:
    """How a time is put together."""

    date: Part | None
    between: tuple[str, str]
    time: Part
    order: str = "date first"
    """Or `time first`, or `year last` (after the time, and possibly the zone)."""
    weekday: bool = False

    @property
    def pattern(self) -> str:
        """A pattern in the syntax of Python's re and of Rust's regex; it treats all digits the same."""
        return (
            self._pattern()
            .replace(_YEAR, r"\d{4}")
            .replace("[0-2]", r"\d")
            .replace("[0-5]", r"\d")
            .replace("[0-6]", r"\d")
            .replace("[0-3]", r"\d")
            .replace("[01]", r"\d")
        )

    def _pattern(self) -> str:
        day = f"(?:{DAY})" if self.weekday else ""
        if self.date is None:
            return f"(?:{self.time.pattern})(?:{OFFSET})?"
        if self.order == "time first":
            return f"{self.time.pattern}{self.between[0]}{day}{self.date.pattern}"
        year = rf"\s+{_YEAR}" if self.order == "year last" else ""
        offset = f"{MINUTES}|{OFFSET}" if self.time.name == "dotted-seconds" else OFFSET
        return f"{day}{self.date.pattern}{self.between[0]}{self.time.pattern}(?:{offset})?{year}"

    def readings(self) -> tuple[Clock, ...]:
        """A clock for each way to read it, the usual one first."""
        name = "-".join(part.name for part in (self.date, self.time) if part is not None and part.name != "seconds")
        wordy = self.time.wordy or (self.date is not None and self.date.wordy)
        zoned = self.order != "time first" and (self.between[1] != "-" or self.time.name == "dotted-seconds")
        if self.date is None:
            formats = tuple(f"%Y-%m-%d {form}" for form in self.time.formats)
            return (Clock(name or "time-only", self.pattern, formats, lacks="date", wordy=wordy, zoned=True),)
        clocks = []
        lacks = None if self.order == "year last" else self.date.lacks
        for date in self.date.formats:
            formats = tuple(self._format(date, time) for time in self.time.formats)
            formats = tuple(f"%Y {form}" for form in formats) if lacks == "year" else formats
            clocks.append(
                Clock(
                    name or "time-only",
                    self.pattern,
                    formats,
                    lacks=lacks,
                    wordy=wordy,
                    zoned=zoned,
                    weekday=self.weekday,
                )
            )
        return tuple(clocks)

    def _format(self, date: str, time: str) -> str:
        if self.order == "time first":
            return f"{time}{self.between[1]}{date}"
        return f"{date}{self.between[1]}{time}" + (" %Y" if self.order == "year last" else "")


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def find_time(line: str) -> FoundTime | None:
    """The first time in the beginning of a line; the one that says most where several begin there."""
    return _find_in(line[:LOOKED_AT])


@lru_cache(maxsize=_REMEMBERED)
def _find_in(text: str) -> FoundTime | None:
    if _DIGIT.search(text) is None:
        return None  # all dates and times have digits
    dated = list(_with_date(text))
    if dated:
        return min(dated, key=lambda found: (found.start, -found.end))
    for time in TIMES[:8]:
        for match in _compiled(rf"(?<![\w:.,/-])(?:{time.pattern}){_zone(time)}(?![\w:])").finditer(text):
            return FoundTime(*match.span(), Form(None, ("", ""), time))
    return None


def _with_date(text: str) -> Iterator[FoundTime]:
    named = may_name_a_month(text)
    for date in DATES:
        if (date.wordy and not named) or not _compiled(date.pattern).search(text):
            continue  # most dates are ruled out here, far sooner than with the days of the week in many languages
        behind_colons = date.name in ("compact", "compact-month-day")  # zabbix: 4711:20240609:140302
        apart = r"(?<![\w./-])" if behind_colons else r"(?<![\w./-])(?<![^:]:)"
        before = f"(?:{apart}|(?<=^[A-Z]))" if date.compact else apart  # I260304: the letter is the level
        for match in _compiled(rf"{before}(?P<day>{DAY})?(?:{date.pattern})(?!\d)|{before}(?:{date.pattern})").finditer(
            text
        ):
            found = _with_time(text, match, date) if not _is_number(text, match, date) else None
            if found is not None:
                yield found
                break


def _is_number(text: str, match: re.Match[str], date: Part) -> bool:
    """Whether an apparent date is a version or an address: another number follows it immediately."""
    return (
        not date.compact
        and re.match(r"[.-]\d+[.-]\d", text[match.end() :]) is not None
        and date.name.startswith("year-short")
    )


def _with_time(text: str, match: re.Match[str], date: Part) -> FoundTime | None:
    day = match["day"] is not None
    best: FoundTime | None = None
    apart = [between for between in BETWEEN if _compiled(between[0]).match(text, match.end()) is not None]
    for between, time in product(apart, TIMES):
        if date.only and (between[0] != date.only or not time.compact):
            continue
        if (between[0] == "" and not (date.compact and time.compact)) or (time.compact and not date.compact):
            continue
        rest = _compiled(f"{between[0]}(?:{time.pattern})").match(text, match.end())
        if rest is None:
            continue
        found = FoundTime(match.start(), rest.end(), Form(date, between, time, weekday=day))
        zone = _compiled(_zone(time)).match(text, rest.end())
        end = zone.end() if zone is not None else rest.end()
        year = _compiled(rf"\s+{_YEAR}(?![\w:-])").match(text, end)
        if date.lacks == "year" and year is not None:
            found = FoundTime(match.start(), year.end(), Form(date, between, time, "year last", day))
        elif _ends(text, end):
            found = FoundTime(match.start(), end, found.form)
        elif not _ends(text, rest.end()):
            continue
        if best is None or found.end > best.end:
            best = found
    return best or _behind(text, match, date)


def _behind(text: str, match: re.Match[str], date: Part) -> FoundTime | None:
    """A time of day that stands before the date."""
    if not _ends(text, match.end()) or date.compact:
        return None
    for time in TIMES[:4]:
        before = _compiled(rf"(?<![\w.:/-])(?:{time.pattern})(?P<between>,?\s+)$").search(text, 0, match.start())
        if before is not None:
            form = Form(date, BETWEEN[0], time, "time first", match["day"] is not None)
            return FoundTime(before.start(), match.end(), form)
    return None


def _ends(text: str, end: int) -> bool:
    return re.match(r"\w|[.:-]\d", text[end : end + 2]) is None


def known_clock(texts: list[str]) -> Clock | None:
    """The clock of the built-in ones that wrote nearly all of `texts`, exactly."""
    for clock in CLOCKS:
        pattern = _compiled(clock.pattern)
        if sum(pattern.fullmatch(text) is not None for text in texts) >= 0.95 * len(texts):
            return clock
    return None


def time_pattern(texts: list[str]) -> str | None:
    """An expression for times such as `texts`; None where they are none."""
    known = known_clock(texts) if texts else None
    if known is not None:
        return known.pattern
    found = [form for text in texts if (form := find_time(text)) is not None and form.start == 0]
    patterns = dict.fromkeys(found_one.form.pattern for found_one in found)
    return "|".join(patterns) if len(found) >= len(texts) / 2 and found else None
