"""JSON files that are read back: of bounded size, and checked against a schema before use."""

import json
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from isang.errors import InputError
from isang.files import read_bytes

Check = Callable[[Any, str], None]
"""Takes a value and its name; raises a ValueError that says what the value must be."""

MOST_BYTES = 64 << 20
_SHOWN = 60


def read_json(path: Path, schema: Check, then: str, *, most_bytes: int = MOST_BYTES) -> Any:
    """The content of a file, checked against `schema`.

    Raises an InputError that names the file and the mistake, and ends with `then`, what to do about it.
    """
    return from_json(read_bytes(path, most_bytes), schema, str(path), then)


def from_json(content: bytes | str, schema: Check, name: str, then: str) -> Any:
    """The value in JSON text, checked as in `read_json`; `name` says where the text comes from."""
    try:
        value = json.loads(content, parse_constant=_no_constant)
        schema(value, "")
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name} cannot be used: {_reason(error)}; {then}") from error
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return f"it is not JSON ({error})"
    return str(error).split("; use sys.set_int")[0]


def _no_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no JSON")


def wrong(name: str, wanted: str, value: Any) -> ValueError:
    """The error of a schema: `name` must be `wanted`, but is `value`."""
    shown = repr(value) if not isinstance(value, Mapping | list) else type(value).__name__
    return ValueError(f"{name or 'it'} must be {wanted}, got {shown[:_SHOWN]}")


def number(low: float = -math.inf, high: float = math.inf, *, whole: bool = False) -> Check:
    """A finite number from `low` to `high`."""
    span = (
        f" from {low:g} to {high:g}" if math.isfinite(high) else f" of at least {low:g}" if math.isfinite(low) else ""
    )
    wanted = ("a whole number" if whole else "a number") + span

    def check(value: Any, name: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise wrong(name, wanted, value)
        if not low <= value <= high or (isinstance(value, float) and not math.isfinite(value)):
            raise wrong(name, wanted, value)

    return check


def text(value: Any, name: str) -> None:
    """Any text that can be encoded."""
    if not isinstance(value, str):
        raise wrong(name, "a text", value)
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise wrong(name, "a text of whole characters", value)


def flag(value: Any, name: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(name, "true or false", value)


def anything(value: Any, name: str) -> None:
    """Any value, unchecked."""


def one_of(*allowed: Any) -> Check:
    """One of these values."""

    def check(value: Any, name: str) -> None:
        if not any(type(value) is type(one) and value == one for one in allowed):
            raise wrong(name, " or ".join(map(repr, allowed)), value)

    return check


def maybe(inner: Check) -> Check:
    """Null, or what `inner` allows."""

    def check(value: Any, name: str) -> None:
        if value is not None:
            inner(value, name)

    return check


def items(inner: Check, size: int | None = None) -> Check:
    """A list, of `size` members if given."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, list) or (size is not None and len(value) != size):
            raise wrong(name, "a list" + ("" if size is None else f" of {size}"), value)
        for place, member in enumerate(value):
            inner(member, f"{name}[{place}]")

    return check


def mapping(inner: Check) -> Check:
    """An object with any names."""

    def check(value: Any, name: str) -> None:
        if not isinstance(value, dict):
            raise wrong(name, "an object", value)
        for key, member in value.items():
            inner(member, f"{name}.{key}".lstrip("."))

    return check


def record(must: Mapping[str, Check], may: Mapping[str, Check] | None = None, *, closed: bool = False) -> Check:
    """An object with these names; `closed`: and no others."""
    may = may or {}

    def check(value: Any, name: str) -> None:
        if not isinstance(value, dict):
            raise wrong(name, "an object", value)
        lacks = [key for key in must if key not in value]
        if lacks:
            raise ValueError(f"{name or 'it'} lacks {_listed(lacks)}")
        unknown = [key for key in value if key not in must and key not in may]
        if closed and unknown:
            raise ValueError(f"{name or 'it'} holds {_listed(unknown)}, which this version does not know")
        for key, inner in (*must.items(), *may.items()):
            if key in value:
                inner(value[key], f"{name}.{key}".lstrip("."))

    return check


def _listed(names: Iterable[str]) -> str:
    return ", ".join(name[:_SHOWN] for name in names)[: 4 * _SHOWN]
