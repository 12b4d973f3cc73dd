"""Limits and words that several summaries share."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass


SHOWN_INCIDENTS = 6
SHOWN_DIFFERENCES = 10
SHOWN_NEVER_SEEN = 5
SHOWN_LINES = 2
"""Number of raw lines shown below an incident."""
SHOWN_TEMPLATES = 3
SHOWN_CHARACTERS = 140


def raw_line(line: Mapping[str, Any] | None, shown: Sequence[str], times: int = 1) -> list[str]:
    """The line with its place; nothing if there is no line or it is already shown."""
    if line is None:
        return []
    text = line["text"].partition("\n")[0][:SHOWN_CHARACTERS]
    raw = f"    {line['source']}:{line['number']}: {text}"
    if any(line.startswith(raw) for line in shown):
        return []
    return [raw if times == 1 else f"{raw}  ({times} lines like it)"]


def period(start: str | None, end: str | None) -> str:
    if start is None or end is None:
        return ", without a clock"
    return f", {start[:16].replace('T', ' ')} to {end[:16].replace('T', ' ')} UTC"


def number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
