"""What our own log says in JSON rather than in named numbers."""

import json
import re
from typing import Any

_NORMAL = re.compile(r"[\d :,-]{19,30} INFO normal_sessions ")
_COUNTS = ("unlabelled", "with_rare_failures", "templates")
_MOST = 2**53
"""Larger numbers are not counts."""


def is_normal_sessions(line: str) -> bool:
    """Whether this line of text is the one about the sessions that were learned as normal."""
    return _NORMAL.match(line) is not None


def normal_sessions(line: str) -> dict[str, Any] | None:
    """What that line says; None for another line, or where it says something else than we write."""
    match = _NORMAL.match(line)
    if match is None:
        return None
    try:
        return checked(json.loads(line[match.end() :]))
    except (ValueError, RecursionError):
        return None


def checked(record: Any) -> dict[str, Any] | None:
    """The counts and the named templates of such a record; None where it holds something else than we write."""
    if not isinstance(record, dict) or not all(_is_count(record.get(name)) for name in _COUNTS):
        return None
    named = record.get("named")
    if not isinstance(named, list) or not all(_is_failure(entry) for entry in named):
        return None
    failures = [{name: entry[name] for name in ("template", "sessions", "first")} for entry in named]
    return {**{name: record[name] for name in _COUNTS}, "named": failures}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def _is_failure(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and _is_count(entry.get("sessions"))
        and all(isinstance(entry.get(name), str) for name in ("template", "first"))
    )
