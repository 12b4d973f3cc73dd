"""The maximum time between anomalies of one episode, learned online from how often episodes begin."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from isang.artifact import Model
from isang.detection.causes.episodes import BY_CHANCE, MOST_SECONDS, chance_seconds

KEPT_BEGINNINGS = 200
"""Maximum number of episode starts kept; the time since the first of them is the period observed."""


class Rhythm:
    """The rule of `joining_seconds` for logs that continue.

    Initially one episode is expected in `alone_seconds`. `kept`: an earlier result of `to_dict`.
    """

    def __init__(self, alone_seconds: float, kept: Mapping[str, Any] | None = None) -> None:
        self._alone_seconds = alone_seconds
        since = (kept or {}).get("since")
        self._since = None if since is None else datetime.fromisoformat(since)
        self._began = [datetime.fromisoformat(text) for text in (kept or {}).get("began", ())]

    def watch(self, now: datetime) -> None:
        """Note that the logs have reached this time."""
        self._since = self._since or now

    def window(self, time: datetime | None) -> float:
        """Maximum number of seconds between an episode and an anomaly at this `time` that joins it."""
        watched = 0.0 if time is None or self._since is None else max(0.0, (time - self._since).total_seconds())
        return chance_seconds(self._alone_seconds + watched, 1 + len(self._began))

    def begins(self, time: datetime | None) -> None:
        """Note that an episode has begun."""
        if time is not None:
            self._began.append(time)
        if len(self._began) > KEPT_BEGINNINGS:
            self._since = max(self._began.pop(0), self._since or self._began[0])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        since = None if self._since is None else self._since.isoformat()
        return {"since": since, "began": [time.isoformat() for time in self._began]}


def alert_seconds(model: Model) -> float:
    """Expected time between alerts of normal sessions, by the model's alert budget; long if it has no timestamps."""
    facts = model.facts
    first, last = facts.get("trained_from"), facts.get("trained_until")
    if first is None or last is None:
        return MOST_SECONDS / -math.log(1 - BY_CHANCE)
    seconds = (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
    return seconds / max(1, int(facts["period_sessions"])) * 1000 / model.config.detection.alerts_per_thousand
