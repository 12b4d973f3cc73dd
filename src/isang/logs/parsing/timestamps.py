"""The ways in which log lines write their time, and how each becomes UTC."""

import re
from calendar import isleap
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from isang.errors import UsageError
from isang.languages import Both
from isang.logs.parsing.inferred.time_words import DAY, MINUTES, OFFSET, SHORT_MONTH, ZONES, in_english

UTC_TIME = pl.Datetime("us", "UTC")
TOLERANCE = timedelta(hours=1)
"""How far the clock that wrote the lines may be ahead of the file system's."""
_DAY_US = 86_400_000_000
_NANOSECONDS, _MICROSECONDS, _MILLISECONDS = 10**17, 10**14, 10**11
"""Numbers from here on count these units since 1970; smaller ones count seconds."""


@dataclass(frozen=True)
class Clock:
    """One way to write a time."""

    name: str
    pattern: str
    """Regular expression without capturing groups."""
    formats: tuple[str, ...] = ()
    """strptime formats, tried in order; none for seconds since 1970."""
    lacks: str | None = None
    """What the text does not say: `year`, `date`, or `start`, from which it counts."""
    zoned: bool = False
    """Whether a zone may stand behind it."""
    wordy: bool = False
    """Whether it contains words: months or AM/PM, in any language."""
    weekday: bool = False
    """Whether it contains a day of the week."""


_DATE = r"\d{4}-\d{2}-\d{2}"
_TIME = r"\d{2}:\d{2}:\d{2}"
_MONTH = SHORT_MONTH
_FRACTION = r"(?:[.,]\d{1,9})?"

_ZONE = OFFSET

ISO = Clock(
    "iso",
    rf"{_DATE}[T \t]{_TIME}{_FRACTION}(?:(?:{_ZONE})\b)?",
    ("%Y-%m-%d %H:%M:%S%.f",),
    zoned=True,
)
PADDED_HOUR = Clock("padded-hour", rf"{_DATE} {{1,2}}\d{{1,2}}:\d{{2}}:\d{{2}}", ("%Y-%m-%d %H:%M:%S",))
SLASHED = Clock("slashed", rf"\d{{4}}/\d{{2}}/\d{{2}} {_TIME}{_FRACTION}", ("%Y/%m/%d %H:%M:%S%.f",))
SLASHED_APART = Clock("slashed-apart", rf"\d{{4}}/\d{{2}}/\d{{2}} - {_TIME}", ("%Y/%m/%d - %H:%M:%S",))
SHORT_SLASHED = rf"\d{{2}}/\d{{2}}/\d{{2}} {_TIME}"
"""A form whose field order is inferred from the sample."""
COMPACT = Clock("compact", r"\d{6} \d{6}", ("%y%m%d %H%M%S",))
ACCESS = Clock("access", rf"\d{{2}}/{_MONTH}/\d{{4}}:{_TIME} [+-]\d{{4}}", ("%d/%b/%Y:%H:%M:%S",), zoned=True)
CTIME = Clock(
    "ctime",
    rf"(?:[A-Z][a-z]{{2}},? )?{_MONTH} {{1,2}}\d{{1,2}} {_TIME}{_FRACTION} \d{{4}}",
    ("%a %b %d %H:%M:%S%.f %Y", "%b %d %H:%M:%S%.f %Y"),
)
DAY_MONTH = Clock("day-month", rf"\d{{2}} {_MONTH} \d{{4}} {_TIME}{_FRACTION}", ("%d %b %Y %H:%M:%S%.f",))
DAY_DASHED = Clock(
    "day-dashed",
    rf"\d{{2}}-{_MONTH}-\d{{4}} {_TIME}{_FRACTION}(?:(?:{_ZONE})\b)?",
    ("%d-%b-%Y %H:%M:%S%.f",),
    zoned=True,
)
DAY_SLASHED = Clock("day-slashed", rf"\d{{2}}/{_MONTH}/\d{{4}} {_TIME}", ("%d/%b/%Y %H:%M:%S",))
MONTH_DAY_YEAR = Clock(
    "month-day-year", rf"{_MONTH} {{1,2}}\d{{1,2}} \d{{4}} {_TIME}{_FRACTION}", ("%b %d %Y %H:%M:%S%.f",)
)
NAMED_TWELVE_HOURS = Clock(
    "named-twelve-hours",
    rf"{_MONTH} \d{{1,2}}, \d{{4}},? \d{{1,2}}:\d{{2}}:\d{{2}}[  ][AP]M",
    ("%b %d. %Y %I:%M:%S %p", "%b %d. %Y. %I:%M:%S %p"),
)
"""Newer Java puts a narrow space before AM and PM."""
SYSLOG = Clock("syslog", rf"{_MONTH} {{1,2}}\d{{1,2}} {_TIME}{_FRACTION}", ("%Y %b %d %H:%M:%S%.f",), lacks="year")
MONTH_DAY = Clock("month-day", rf"\d{{2}}-\d{{2}} {_TIME}\.\d{{3,6}}", ("%Y %m-%d %H:%M:%S%.f",), lacks="year")
KLOG = Clock("klog", rf"\d{{4}} {_TIME}\.\d{{6,9}}", ("%Y %m%d %H:%M:%S%.f",), lacks="year")
GLOG = Clock("glog", rf"\d{{8}} {_TIME}\.\d{{6}}", ("%Y%m%d %H:%M:%S%.f",))
TIME_ONLY = Clock("time-only", rf"{_TIME}{_FRACTION}", ("%Y-%m-%d %H:%M:%S%.f",), lacks="date")
KITCHEN = Clock("kitchen", r"\d{1,2}:\d{2}[AP]M", ("%Y-%m-%d %I:%M%p",), lacks="date")
EPOCH = Clock("epoch", r"\d{10}(?:\.\d{1,9})?\b|\d{13}\b|\d{16}\b|\d{19}\b")

TAI64N = Clock("tai64n", r"@[0-9a-f]{24}")
"""Seconds of TAI from 2^62, and nanoseconds, as daemontools and runit write them."""
_TAI_EPOCH, _TAI_AHEAD = 1 << 62, 10
"""The label of 1970, and its seconds ahead of UTC: as these programs do, leap seconds since then are not counted."""

CLOCKS = (
    ISO,
    PADDED_HOUR,
    SLASHED,
    SLASHED_APART,
    ACCESS,
    CTIME,
    DAY_MONTH,
    DAY_DASHED,
    DAY_SLASHED,
    MONTH_DAY_YEAR,
    NAMED_TWELVE_HOURS,
    SYSLOG,
    MONTH_DAY,
    KLOG,
    GLOG,
    COMPACT,
    TIME_ONLY,
    KITCHEN,
    EPOCH,
    TAI64N,
)
ANY_TIME = "|".join(clock.pattern for clock in CLOCKS)
SINCE_START = Clock("since-start", r"\d{1,9}\.\d{1,9}", lacks="start")
"""Seconds since a machine or a program started; none of CLOCKS, as any number may look so."""


def to_utc(times: pl.Expr, clock: Clock, *, zone: str, reference: datetime, alone: bool = False) -> pl.Expr:
    """Times as written become UTC; null where the text is no time.

    `zone` holds for times that name none, `reference` lends its year or its date to times that lack them. `alone`: a
    time without its year becomes the latest that is not after `reference`, whatever the times around it.
    """
    if clock == TAI64N:
        return _from_tai(times)
    if not clock.formats:
        return _from_epoch(times)
    text = _plain(times, clock)
    offset = None
    if clock.zoned:
        offset = text.str.extract(rf"({_ZONE}|{MINUTES})(?: \d{{4}})?$", 1)
        text = text.str.replace(rf"(?:{_ZONE}|{MINUTES})( \d{{4}})?$", "${1}")
    if clock.wordy:
        text = in_english(text).str.replace_all(r"\s+", " ").str.strip_chars()
        if "%b" in clock.formats[0]:
            text = text.str.replace(r"^(\d{1,2})\. ", "${1} ")
            text = text.str.replace(r" ([/-])", "${1}")  # 02/sept./2015
    if clock.lacks == "year" and alone:
        return _latest(text, clock, zone, reference)
    if clock.lacks == "year":
        text = pl.lit(f"{leap_year(reference)} ") + text
    elif clock.lacks == "date":
        text = pl.lit(f"{reference:%Y-%m-%d} ") + text
    local = _local(text, clock, zone)
    if offset is None:
        return local
    named = _parsed(text, clock).dt.replace_time_zone("UTC") - _offset(offset)
    return pl.when(offset.is_null()).then(local).otherwise(named)


def _latest(text: pl.Expr, clock: Clock, zone: str, reference: datetime) -> pl.Expr:
    """Each time in the latest year in which it is not after `reference`."""
    years = (reference.year, reference.year - 1, leap_year(reference))
    read = [_local(pl.lit(f"{year} ") + text, clock, zone) for year in years]
    return pl.coalesce(pl.when(time <= reference + TOLERANCE).then(time) for time in read)


def _plain(times: pl.Expr, clock: Clock) -> pl.Expr:
    """Times with a point before the fraction and single spaces, without the day of the week."""
    if clock == ISO:
        return times.str.replace_all(",", ".", literal=True).str.replace(r"^(.{10})[T\t]", "${1} ")
    if clock in CLOCKS:
        text = times.str.replace_all(",", ".", literal=True)
        return text.str.replace("\u202f", " ", literal=True) if clock == NAMED_TWELVE_HOURS else text
    text = times.str.replace(DAY, "") if clock.weekday else times
    mark = re.search(r"%M(.)%S%\.f", clock.formats[0])
    if mark is not None:
        between = re.escape(mark[1])
        seconds = rf"(\b\d{{1,2}}{between}\d{{1,2}}{between}\d{{1,2}})"
        for digits, zeros in ((1, "00"), (2, "0")):  # behind a colon stands a count of milliseconds
            text = text.str.replace(rf"{seconds}:(\d{{{digits}}})\b", f"${{1}}.{zeros}${{2}}")
        text = text.str.replace(rf"{seconds}[,:](\d{{1,9}})", "${1}.${2}")
    text = text.str.replace_all(r"(\d),(\d)", "${1}.${2}")
    return text.str.replace_all(r"[\s,]+(?:(?:@|at|-|um|à)\s)?", " ")


def leap_year(reference: datetime) -> int:
    """The latest year until `reference` that has all days: times without a year are first read in it."""
    return next(year for year in range(reference.year, 0, -1) if isleap(year))


def falls(times: pl.Series, clock: Clock, before: int | None) -> pl.Series:
    """How often times without year or date (i64, microseconds, in line order) wrapped around.

    Cumulative, as i64; they wrap around where they fall by more than half a period. Times since a start begin anew
    where they fall to less than half; there it is the microseconds by which they fell. `before`: the last time before
    these, if there was one.
    """
    known = pl.concat([pl.Series([before], dtype=pl.Int64), times]).fill_null(strategy="forward")
    if clock.lacks == "start":
        anew = (known.diff() < -known.shift(1) // 2).fill_null(False)
        return (-known.diff().fill_null(0) * anew.cast(pl.Int64)).cum_sum().slice(1)
    return (known.diff() < -_period_us(clock) // 2).fill_null(False).cast(pl.Int64).cum_sum().slice(1)


def moved_back(times: pl.Series, clock: Clock, periods: pl.Series) -> pl.Series:
    """`times` (i64, microseconds) moved back by this many years, days or microseconds, whichever the clock lacks."""
    if clock.lacks in ("date", "start"):
        return times - periods * (_DAY_US if clock.lacks == "date" else 1)
    years = pl.format("{}y", pl.lit(-periods))
    return (
        times.cast(pl.Datetime("us"))
        .to_frame("time")
        .select(pl.col("time").dt.offset_by(years))
        .to_series()
        .cast(pl.Int64)
    )


def periods_back(last: int, clock: Clock, written: datetime, leap_days: Collection[int] = ()) -> int:
    """By how many years, days or microseconds the last time of a log (microseconds) is to be moved back.

    It becomes the latest that is not more than TOLERANCE after `written`; a time since a start becomes `written`.
    `leap_days`: how many years before the last a February had 29 days; where no year has them all within twelve, they
    do not count.
    """
    if clock.lacks == "start":
        return last - _microseconds(written)
    written += TOLERANCE
    if clock.lacks == "date":
        return int(last > _microseconds(written))
    first = leap_year(written)
    years = [
        year
        for year in range(written.year, written.year - 12, -1)
        if moved_back(pl.Series([last]), clock, pl.Series([first - year]))[0] <= _microseconds(written)
    ]
    fitting = [year for year in years if all(isleap(year - before) for before in leap_days)]
    return first - (fitting or years)[0]


def leap_days(times: pl.Series) -> pl.Series:
    """Which times (i64, microseconds) are on a 29th of February."""
    dates = times.cast(pl.Datetime("us")).dt
    return (dates.month() == 2) & (dates.day() == 29)


def _microseconds(time: datetime) -> int:
    return int(time.timestamp() * 1e6)


def _period_us(clock: Clock) -> int:
    return _DAY_US if clock.lacks == "date" else 365 * _DAY_US


_DIRECTIVES = {
    "Y": r"\d{4}", "y": r"\d{2}", "j": r"\d{3}", "b": r"[A-Za-z]{3,9}\.?", "B": r"[A-Za-z]{3,9}",
    "a": r"[A-Za-z]{2,9}\.?", "A": r"[A-Za-z]{3,9}", "p": "[AaPp][Mm]", "f": r"\d{1,9}", "%": "%",
    **dict.fromkeys("mdeHIMS", r"[ \d]?\d"),
}  # fmt: skip


def clock_of(form: str) -> Clock:
    """The clock that writes times as `form`, in strptime's directives, has it; a zone may stand behind.

    Raises UsageError for a form with other directives, or without hours.
    """
    names = re.findall("%(.)", form)
    unknown = [name for name in names if name not in _DIRECTIVES]
    if unknown or not {*names} & {"H", "I"}:
        what = f"%{unknown[0]}" if unknown else "no hour"
        allowed = " ".join(f"%{name}" for name in _DIRECTIVES)
        raise UsageError(f"--layout <time:FORMAT> takes {allowed} with an hour among them, got {what} in {form!r}")
    parts = re.split("%(.)", form)
    pattern = "".join(
        _DIRECTIVES[part] if place % 2 else re.escape(part).replace(r"\ ", r"\s+") for place, part in enumerate(parts)
    )
    lacks = None if {*names} & {"Y", "y"} else "year" if {*names} & {"d", "e", "j"} else "date"
    lent = {None: "", "year": "%Y ", "date": "%Y-%m-%d "}[lacks]
    read = re.sub(r"[\s,]+", " ", re.sub(r"(?<=%S)[.,:]%f", "%.f", form))  # as _plain leaves the text
    return Clock("given", rf"{pattern}(?:(?:{_ZONE})\b)?", (lent + read,), lacks=lacks, zoned=True)


def name_zones(times: pl.Series, clock: Clock) -> bool:
    """Whether all `times`, as written, name their zone."""
    return clock.zoned and bool(times.drop_nulls().str.contains(rf"(?:{_ZONE})(?: \d{{4}})?$").all())


def described(clock: Clock | None, *, zone: str, reference: datetime, zoned: bool = False) -> Both:
    """One sentence on what was assumed about the times; `zoned` when all name their zone."""
    if clock is None:
        return Both("the lines carry no time", "줄에 시각이 없습니다")
    if clock == SINCE_START:
        return Both(
            f"times count seconds from a start; the last line was taken to be of {reference:%Y-%m-%d %H:%M}",
            f"시각은 시작부터 센 초입니다. 마지막 줄의 시각을 {reference:%Y-%m-%d %H:%M}(으)로 보았습니다",
        )
    if clock in (EPOCH, TAI64N):
        return Both("times count from 1970 in UTC", "시각은 1970년부터 센 값입니다(UTC)")
    if clock.lacks is not None:
        missing = {"year": "연도", "date": "날짜"}[clock.lacks]
        return Both(
            f"times name no {clock.lacks}; the last was taken to be the latest before {reference:%Y-%m-%d %H:%M}, "
            f"zone {zone}",
            f"시각에 {missing}가 없습니다. 마지막 줄의 시각을 {reference:%Y-%m-%d %H:%M} 이전에서 가장 늦은 것으로 "
            f"보았습니다(시간대 {zone})",
        )
    if clock is ACCESS or zoned:
        return Both("times name their zone", "시각에 시간대가 적혀 있습니다")
    return Both(
        f"times that name no zone were taken as {zone}; --timezone NAME if that is wrong",
        f"시간대가 없는 시각은 {zone} 기준으로 읽었습니다. 틀리면 --timezone NAME을 주세요",
    )


def _parsed(text: pl.Expr, clock: Clock) -> pl.Expr:
    return pl.coalesce(text.str.to_datetime(form, strict=False, time_unit="us") for form in clock.formats)


def _local(text: pl.Expr, clock: Clock, zone: str) -> pl.Expr:
    local = _parsed(text, clock).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _offset(offset: pl.Expr) -> pl.Expr:
    """A zone such as +01:00, KST or +540 (minutes) as a duration; Z is zero."""
    offset = offset.str.strip_chars().replace(ZONES)
    digits = offset.str.replace_all(r"[^\d]", "")
    hours, minutes = (digits.str.slice(start, 2).cast(pl.Int64, strict=False) for start in (0, 2))
    minutes = (
        pl.when(digits.str.len_chars() == 3)
        .then(digits.cast(pl.Int64, strict=False))
        .otherwise(hours * 60 + minutes.fill_null(0))
    )
    signed = pl.when(offset.str.contains("-", literal=True)).then(-minutes).otherwise(minutes)
    return pl.duration(minutes=signed.fill_null(0), time_unit="us")


def _from_epoch(times: pl.Expr) -> pl.Expr:
    """The unit follows from the number of digits."""
    number = times.cast(pl.Float64, strict=False)
    whole = times.cast(pl.Int64, strict=False)  # exact where there is no fraction
    seconds_us = (whole * 1_000_000).fill_null((number * 1e6).round().cast(pl.Int64, strict=False))
    return (
        pl.when(number >= _NANOSECONDS).then(whole // 1000)
        .when(number >= _MICROSECONDS).then(whole)
        .when(number >= _MILLISECONDS).then(whole * 1000)
        .otherwise(seconds_us)
        .cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )  # fmt: skip


def _from_tai(times: pl.Expr) -> pl.Expr:
    seconds = times.str.slice(1, 16).str.to_integer(base=16, strict=False) - _TAI_EPOCH - _TAI_AHEAD
    nanoseconds = times.str.slice(17, 8).str.to_integer(base=16, strict=False)
    return (seconds * 1_000_000 + nanoseconds // 1000).cast(UTC_TIME)
