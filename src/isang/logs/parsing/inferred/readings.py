"""How a time is read where its text allows several ways: the sample's times decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

import polars as pl

from isang.languages import Both
from isang.logs.parsing.inferred.time_forms import find_time, known_clock
from isang.logs.parsing.timestamps import SINCE_START, Clock, to_utc

DATE_ORDERS = {"day-first": "dmy", "month-first": "mdy", "year-first": "ymd"}
"""What a user can settle: the order of day, month and year where all are numbers."""
_LOOKED_AT = 60
"""Times whose form is looked at; their form is that of most."""
_AHEAD = timedelta(days=2)
"""A reading with times this far after the file was written is wrong."""
_MUCH_SHORTER = 3.0
"""A reading is preferred if the log spans less time than in another by this factor."""

_FEW_NUMBERS, _NEARLY_ALL = 5, 0.9
_A_YEAR = 400.0
"""Days; two-digit years are those nearest to the time the file was written."""


@dataclass(frozen=True)
class ClockReading:
    """How the times of a log are read."""

    clock: Clock
    doubt: Both | None = None
    """What nothing in the log decides, with the flag that settles it."""


@dataclass(frozen=True)
class _Evidence:
    clock: Clock
    parsed: float
    rises: float
    ahead: bool
    days: float
    from_written: float


def reading_of(
    times: pl.Series, *, zone: str, reference: datetime, date_order: str = "auto", clocks: Sequence[Clock] = ()
) -> ClockReading | None:
    """The reading of `times`, as written and in line order; None if they are not times.

    `clocks`: the possible readings of their form, if known.
    """
    times = times.drop_nulls()
    if times.is_empty():
        return None
    if not clocks:
        few = times.gather_every(max(1, times.len() // _LOOKED_AT)).to_list()
        known = known_clock(few)
        if known is not None:
            return ClockReading(known)
        if since_start(times):
            return ClockReading(SINCE_START)
        clocks = _clocks_of(few)
    if not clocks:
        return None
    wanted = DATE_ORDERS.get(date_order)
    ordered = [clock for clock in clocks if wanted is not None and _order(clock) == wanted]
    if ordered or len(clocks) == 1:
        return ClockReading((ordered or list(clocks))[0])
    return _chosen([_evidence(times, clock, zone, reference) for clock in clocks])


def _clocks_of(texts: list[str]) -> tuple[Clock, ...]:
    forms = [found.form for text in texts if (found := find_time(text)) is not None and found.start == 0]
    counted = [(len(list(group)), form) for form, group in groupby(sorted(forms, key=repr))]
    return max(counted, key=lambda pair: pair[0])[1].readings() if counted else ()


def _evidence(times: pl.Series, clock: Clock, zone: str, reference: datetime) -> _Evidence:
    frame = times.to_frame("time").select(time=to_utc(pl.col("time"), clock, zone=zone, reference=reference))
    read = frame["time"].drop_nulls().cast(pl.Int64)
    of_one_digit = clock.formats[0].startswith("%y") and times.str.contains(r"^\D*\d\D").any()
    if read.is_empty() or of_one_digit:
        return _Evidence(clock, 0.0, 0.0, True, 0.0, 0.0)
    steps = read.diff().drop_nulls()
    rises = float((steps >= 0).mean() or 0.0) if steps.len() else 1.0  # type: ignore[arg-type]
    last, first = int(read.max()), int(read.min())  # type: ignore[arg-type]
    written = int(reference.timestamp() * 1e6)
    day = 86_400e6
    ahead = last > written + _AHEAD.total_seconds() * 1e6
    return _Evidence(clock, read.len() / times.len(), rises, ahead, (last - first) / day, abs(written - last) / day)


def _chosen(found: list[_Evidence]) -> ClockReading:
    """The reading that parses the most, then rises the most, then is not ahead of the file, then takes least time."""
    best = max(round(each.parsed, 2) for each in found)
    left = [each for each in found if round(each.parsed, 2) >= best]
    best = max(each.rises for each in left)
    left = [each for each in left if each.rises >= best - 0.02]
    left = [each for each in left if not each.ahead] or left
    shortest = min(each.days for each in left)
    left = [each for each in left if each.days <= _MUCH_SHORTER * shortest + 0.5]
    nearest = min(each.from_written for each in left)
    left = [each for each in left if each.from_written <= nearest + _A_YEAR]
    if len(left) > 1:  # a log was most likely written to when its last line came
        near = [each for each in left if each.from_written < 1.5]
        left = near if near else left
    if len(left) == 1 or len({_order(each.clock) for each in left}) == 1:
        return ClockReading(left[0].clock)
    orders = {order: name for name, order in DATE_ORDERS.items()}
    names = [orders[_order(each.clock)] for each in left]
    others = [f"--date-order {name}" for name in names[1:]]
    doubt = Both(
        f"nothing tells day and month apart: taken as {names[0]}; {' or '.join(others)} if that is wrong",
        f"일과 월의 순서를 알 수 없어 {names[0]} 순서로 읽었습니다. 틀리면 {' 또는 '.join(others)} 옵션을 주세요",
    )
    return ClockReading(left[0].clock, doubt)


def _order(clock: Clock) -> str:
    """The order of day, month and year in a clock's format, as `dmy`; without a year the day or month first."""
    order = "".join(letter.lower() for letter in "".join(clock.formats[0].split("%")) if letter in "dmyY")
    return {"ydm": "dmy", "ymd": "mdy"}.get(order, order) if clock.lacks == "year" else order


_AT_BEGINNING = r"^[\[(<]?\s*(\d[\d.,:/ T-]*\d|\d)"
_SECONDS_WITHIN = r"\s([12]\d{9})(?:\s|$)"


def rise(lines: pl.Series) -> bool:
    """Whether nearly all lines begin with digits, or brackets and digits, and the numbers hardly ever fall.

    Numbers that count the lines are no times.
    """
    return _rises(lines, _AT_BEGINNING) and not _counts(lines)


def _counts(lines: pl.Series) -> bool:
    steps = lines.str.extract(_AT_BEGINNING).cast(pl.Int64, strict=False).drop_nulls().diff().drop_nulls()
    return bool(steps.len()) and bool((steps == 1).all())


def since_start(numbers: pl.Series) -> bool:
    """Whether `numbers`, as written, are seconds since a start: as many decimals in each, and they hardly ever fall."""
    found = numbers.drop_nulls()
    if not found.len() or not found.str.contains(f"^{SINCE_START.pattern}$").all():
        return False
    decimals = found.str.extract(r"\.(\d+)$", 1).str.len_bytes()
    return decimals.n_unique() == 1 and decimals[0] > 1 and _rises(found, r"^(.*)$")


def share_rising(times: pl.Series, clock: Clock, zone: str, reference: datetime) -> float | None:
    """The share of `times`, as written and in line order, that are not before the one above; None if few can be read,
    or all are the same."""
    read = times.to_frame("time").select(to_utc(pl.col("time"), clock, zone=zone, reference=reference))
    found = read.to_series().drop_nulls().cast(pl.Int64)
    if found.len() < max(_FEW_NUMBERS, _NEARLY_ALL * times.len()) or found.n_unique() == 1:
        return None
    return float((found.diff().drop_nulls() >= 0).mean() or 0.0)  # type: ignore[arg-type]


def seconds_within(lines: pl.Series) -> bool:
    """Whether nearly all lines have a word of ten digits, and these hardly ever fall: seconds since 1970."""
    return _rises(lines, _SECONDS_WITHIN)


def _rises(lines: pl.Series, number: str) -> bool:
    numbers = lines.str.extract(number).drop_nulls()
    if numbers.len() < max(_FEW_NUMBERS, _NEARLY_ALL * lines.len()):
        return False
    digits = numbers.str.replace_all(r"\D", "").str.slice(0, 18).cast(pl.Int64, strict=False).drop_nulls()
    steps = digits.diff().drop_nulls()
    return bool(steps.len()) and float((steps >= 0).mean() or 0.0) >= _NEARLY_ALL and digits.n_unique() > 1  # type: ignore[arg-type]
