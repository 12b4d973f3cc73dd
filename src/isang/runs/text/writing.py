"""How numbers, intervals and times are written in sentences, in English and Korean."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isang.runs.finding import Language

NO_VALUE = "–"
"""Stands where a value is unknown."""
_UNITS = (
    (86_400.0, " days", "일"), (3_600.0, " h", "시간"), (60.0, " min", "분"), (1.0, " s", "초"),
    (1e-3, " ms", "밀리초"),
)  # fmt: skip


def number(value: float | None) -> str:
    """A number for people: four significant digits, thousands separators."""
    if value is None or not math.isfinite(value):
        return NO_VALUE
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    if abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:.4g}"


def with_interval(value: float, low: float, high: float) -> str:
    """A value and its interval with the same decimals: as many as the interval's width makes worth reading."""
    width = high - low
    if not all(map(math.isfinite, (value, low, high))) or width <= 0:
        return f"{number(value)} ({number(low)} … {number(high)})"
    decimals = 2 - math.floor(math.log10(width))
    if decimals > 6:
        return f"{value:.3e} ({low:.3e} … {high:.3e})"
    return "{} ({} … {})".format(*(f"{edge:,.{max(decimals, 0)}f}" for edge in (value, low, high)))


def plain_text(text: str) -> str:
    """Text from a log without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def duration(seconds: float | None, language: "Language") -> str:
    """Seconds in the unit that people would choose, milliseconds to days."""
    if seconds is None or not math.isfinite(seconds):
        return NO_VALUE
    length, english, korean = next(
        (unit for unit in _UNITS if abs(seconds) >= (1.5 if unit[0] > 1 else 1) * unit[0]), _UNITS[-1]
    )
    if seconds == 0:
        length, english, korean = _UNITS[3]
    amount = seconds / length
    written = f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:.3g}"
    return f"{written}{korean if language == 'ko' else english}"


def counted(count: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
