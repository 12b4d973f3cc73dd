"""How an incident began and spread: the order in which logs were affected, and its sessions over time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from isang.pages.timeline import SPARK_BUCKETS

MOST_SOURCES = 12


class Reached(NamedTuple):
    """A log with lines that reasons name."""

    source: str
    first: datetime | None
    line: Mapping[str, Any]
    """The first of them, as in a reason."""
    sessions: int


def reached(records: Sequence[Mapping[str, Any]]) -> list[Reached]:
    """The logs of the lines that the reasons of anomaly records name, in the order in which they were reached.

    A line after which something is missing does not count.
    """
    first: dict[str, tuple[str, Mapping[str, Any]]] = {}
    sessions: dict[str, set[str]] = {}
    for record in records:
        for reason in record["reasons"]:
            line = reason.get("line")
            if not line or reason.get("after_line"):
                continue
            source, when = line["source"], line["time"] or ""
            sessions.setdefault(source, set()).add(str(record["session_id"]))
            if source not in first or when < first[source][0]:
                first[source] = (when, line)
    found = [
        Reached(source, datetime.fromisoformat(when) if when else None, line, len(sessions[source]))
        for source, (when, line) in first.items()
    ]
    return sorted(found, key=lambda entry: (entry.first is None, entry.first or datetime.min.replace(tzinfo=UTC)))


def sessions_over_time(records: Sequence[Mapping[str, Any]], start: datetime, end: datetime) -> NDArray[np.int64]:
    """How many of the sessions began in each of SPARK_BUCKETS stretches from `start` to `end`."""
    counts_S = np.zeros(SPARK_BUCKETS, dtype=np.int64)
    span = max(1e-9, (end - start).total_seconds())
    for record in records:
        if record["start"]:
            place = (datetime.fromisoformat(record["start"]) - start).total_seconds() / span
            counts_S[min(SPARK_BUCKETS - 1, max(0, int(place * SPARK_BUCKETS)))] += 1
    return counts_S
