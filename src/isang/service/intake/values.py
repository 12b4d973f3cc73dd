"""Values that senders attach to records, converted to the bounded texts of a record's fields."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

MOST_TEXT = 65_536
"""Maximum number of characters kept of a record."""
MOST_FIELDS = 128
"""Maximum number of fields kept of a record."""
MOST_VALUE = 4_096
"""Maximum number of characters kept of a field's value."""
MOST_NAME = 200
"""Maximum number of characters kept of the name of a field or source."""
MOST_DEPTH = 8
"""Maximum depth of nested objects; deeper ones become JSON text."""


def as_text(value: Any) -> str:
    """A plain value as text: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value.replace("\0", " ")
    return json.dumps(value, ensure_ascii=False, default=str)


def flat(value: Mapping[str, Any]) -> dict[str, str]:
    """Nested objects flattened to dotted names, at most MOST_FIELDS; null values are dropped."""
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
    """A record's source: the first of the fields `names` that is not blank."""
    return (first_of(fields, names) or otherwise)[:MOST_NAME]


def microseconds(moment: Any) -> int | None:
    """An ISO 8601 time, or seconds or milliseconds since 1970, as microseconds; None if it is not a time.

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
