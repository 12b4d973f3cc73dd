"""Incidents as alerts of Prometheus' Alertmanager: `POST /api/v2/alerts`."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from isang.formatting import printable_line
from isang.service.outputs import Notice, OutgoingRequest, outcome_of

ALERT = "IsangIncident"
LIVES_FOR_REPEATS = 4
"""Number of missed repeats after which Alertmanager resolves an alert."""
MOST_LABEL, MOST_ANNOTATION = 200, 1_000
"""Maximum number of characters in a label's and an annotation's value."""


class Alertmanager:
    """One alert per incident, repeated while it fires."""

    name = "alertmanager"

    def __init__(self, url: str, repeat_seconds: float = 60.0) -> None:
        self._url = url.rstrip("/") + "/api/v2/alerts"
        self.repeat_seconds: float | None = repeat_seconds

    def request(self, notices: Sequence[Notice], now_us: int) -> OutgoingRequest | None:
        """See Sender."""
        now = datetime.fromtimestamp(now_us / 1e6, UTC)
        lives = timedelta(seconds=LIVES_FOR_REPEATS * (self.repeat_seconds or 60.0))
        body = json.dumps([_alert(notice, now, now + lives) for notice in notices]).encode()
        return OutgoingRequest("POST", self._url, {"Content-Type": "application/json"}, body)

    def outcome(self, status: int, body: bytes) -> Literal["delivered", "retry", "refused"]:
        """See Sender."""
        return outcome_of(status)


def _alert(notice: Notice, now: datetime, until: datetime) -> dict[str, Any]:
    incident = notice.incident
    starts = _moment(incident["first_seen"], now)
    ends = until
    if notice.event == "resolved":
        ends = max(starts, min(now, _moment(incident["last_seen"], now)))
    return {
        "labels": {
            "alertname": ALERT,
            **{name: _cut(incident[name], MOST_LABEL) for name in ("severity", "stream", "fingerprint")},
        },
        "annotations": {
            "summary": _cut(incident["title"], MOST_ANNOTATION),
            "description": _cut(_first_line(incident), MOST_ANNOTATION),
            "sessions": str(incident["sessions"]),
        },
        "startsAt": starts.isoformat(),
        "endsAt": ends.isoformat(),
        "generatorURL": notice.page_url,
    }


def _moment(written: str | None, otherwise: datetime) -> datetime:
    return otherwise if written is None else min(otherwise, datetime.fromisoformat(written).astimezone(UTC))


def _first_line(incident: Mapping[str, Any]) -> str:
    lines = (reason.get("line") for reason in incident.get("reasons", ()))
    return next((line["text"].partition("\n")[0] for line in lines if line), "")


def _cut(value: Any, most: int) -> str:
    return printable_line(str(value))[:most]
