"""How far each log has come: senders gather lines, and a log that is read later than another one is not silent."""

from collections.abc import Mapping
from typing import Any

import polars as pl

MOST_SECONDS = 600.0
"""A log is not waited for longer than this."""
KEPT = 0.99
"""Share of a delay that remains with each further delivery of the log."""
MOST_LOGS = 2_000
"""Maximum number of logs; of more, the half heard last is kept."""


class Delays:
    """The latest time of each log, and how far it was behind the others when its lines came."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        self._latest: dict[str, float] = dict((kept or {}).get("latest", {}))
        self._behind: dict[str, float] = dict((kept or {}).get("behind", {}))

    def came(self, counts: pl.DataFrame, before: float | None) -> None:
        """Note the lines of each `source` at `start`, in seconds since 1970; all logs had come to `before` by then."""
        spans = counts.group_by("source").agg(pl.col("start").min().alias("first"), pl.col("start").max().alias("last"))
        for source, first, last in spans.iter_rows():
            delay = min(MOST_SECONDS, max(last if before is None else before, last) - first)  # gathered, or read later
            self._behind[source] = max(KEPT * self._behind.get(source, 0.0), delay)
            self._latest[source] = float(last)
        if len(self._latest) > MOST_LOGS:
            longest_ago = sorted(self._latest, key=lambda source: self._latest[source])
            for source in longest_ago[: MOST_LOGS // 2]:
                del self._latest[source], self._behind[source]

    def reached(self, until: float, latest: float) -> dict[str, float]:
        """The time up to which the lines of each log have come, no later than `until`; `latest`: of all logs."""
        return {source: min(until, max(own, latest - self._behind[source])) for source, own in self._latest.items()}

    def to_dict(self) -> dict[str, Any]:
        """What makes it again; plain JSON values."""
        return {"latest": self._latest, "behind": self._behind}
