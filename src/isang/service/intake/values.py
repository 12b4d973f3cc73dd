"""Values that senders attach to records, as the bounded texts that a record's fields are."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

MOST_TEXT = 65_536
"""Characters of a record that are kept."""
MOST_FIELDS = 128
"""Fields of a record that are kept."""
MOST_VALUE = 4_096
"""Characters of a field's value that are kept."""
MOST_NAME = 200
"""Characters of the name of a field or source that are kept."""
MOST_DEPTH = 8
"""Objects within objects; what lies deeper is JSON text."""


def as_text(value: Any) -> str:
    """A plain value as text: texts as they are, the rest as JSON."""
    if isinstance(value, str):
        return value.replace("\0", " ")
    return json.dumps(value, ensure_ascii=False, default=str)


def flat(value: Mapping[str, Any]) -> dict[str, str]:
    """Objects within objects as dotted names, at most MOST_FIELDS; null is no value."""
    found: dict[str, str] = {}
    _put(value, "", 0, found)
    return found


def _put(value: Mapping[str, Any], prefix: str, depth: int, found: dict[str, str]) -> None:
    for name, part in value.items():
        if isinstance(part, dict) and part and depth < MOST_DEPTH:
            _put(part, f"{prefix}{name}.", depth + 1, found)
        elif part is not None:
            path = f"{prefix}{name}"[:MOST_NAME]
            if len(found) == MOST_FIELDS and path not in found:
                return
            found[path] = as_text(part)[:MOST_VALUE]


def first_of(fields: Mapping[str, str], names: Sequence[str]) -> str | None:
    """The first of the fields `names` that says something."""
    for name in names:
        text = fields.get(name)
        if text and not text.isspace():
            return text
    return None


def source_of(fields: Mapping[str, str], names: Sequence[str], otherwise: str) -> str:
    """Who wrote a record: the first of the fields `names` that says something."""
    return (first_of(fields, names) or otherwise)[:MOST_NAME]


def microseconds(moment: Any) -> int | None:
    """An ISO 8601 time, or seconds or milliseconds since 1970, as microseconds; None where it is no time.

    A time without a zone is taken as UTC.
    """
    if isinstance(moment, bool):
        return None
    if isinstance(moment, (int, float)):
        if not 0 < moment < 1e13:
            return None
        return int(moment * (1_000 if moment > 1e11 else 1_000_000))
    if not isinstance(moment, str) or len(moment) > 64:
        return None
    try:
        at = datetime.fromisoformat(moment.strip())
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp() * 1_000_000)
