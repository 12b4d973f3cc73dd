"""Numbers as logs write them: with a unit, with a comma in thousands, as durations of several parts."""

import re

_NUMBER = r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_QUANTITY = re.compile(rf"({_NUMBER}) ?([^\W\d_]{{1,12}}|%)?")
_PART = r"\d+(?:\.\d+)?(?:h|m|s|ms|us|µs|μs|ns)"
_DURATION = re.compile(rf"-?(?:{_PART}){{2,}}|-?{_PART}")
_PARTS = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|μs|ns)")
_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "msec": 1e-3, "milliseconds": 1e-3,
    "s": 1.0, "sec": 1.0, "secs": 1.0,
    "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "mins": 60.0, "minutes": 60.0, "h": 3600.0,
}  # fmt: skip
_BYTES = {
    "B": 1.0, "bytes": 1.0, "byte": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 2.0**10,
    "MiB": 2.0**20, "GiB": 2.0**30, "TiB": 2.0**40,
}  # fmt: skip
SECONDS, BYTES = "s", "B"


def quantity(text: str) -> tuple[float, str] | None:
    """(number, unit) of a text such as `8,210 ms`, `1m2.5s`, `12 KiB`, `73 %` or `4`; None where it is none.

    Times are in seconds and sizes in bytes, whatever their unit; other units, and none, are as they stand there.
    """
    if _DURATION.fullmatch(text):
        sign = -1 if text.startswith("-") else 1
        return sign * sum(float(number) * _SECONDS[unit] for number, unit in _PARTS.findall(text)), SECONDS
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, unit = float(match[1].replace(",", "")), match[2] or ""
    if unit in _SECONDS:
        return number * _SECONDS[unit], SECONDS
    if unit in _BYTES:
        return number * _BYTES[unit], BYTES
    return number, unit


def written(number: float, unit: str) -> str:
    """A number for people, in the unit that makes it short."""
    if unit == SECONDS and number:
        for name, size in (("h", 7200.0), ("min", 120.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
            if abs(number) >= size or name == "µs":
                return f"{_short(number / _SECONDS.get(name, size))} {name}"
    if unit == BYTES and abs(number) >= 10_000:
        name = next((name for name in ("GB", "MB") if abs(number) >= _BYTES[name]), "kB")
        return f"{_short(number / _BYTES[name])} {name}"
    return f"{_short(number)} {unit}".strip()


def _short(number: float) -> str:
    """With four digits that say something, those before the point all."""
    if number == int(number) or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.4g}"
