"""New kinds of lines that come once and report no failure: a start, a rotated file, a setting.

They are listed, but are no incident.
"""

from datetime import datetime

from isang.detection.incidents import Incident
from isang.model.wording import loudness_of

AT_ONCE_SECONDS = 60.0
"""What comes once takes no longer than this, such as a service that stops and starts."""
MANY_LINES = 10


def quiet_once(incident: Incident) -> bool:
    """Whether an incident only shows new kinds of lines that report no failure, few lines, and all at one time.

    Of a window of so many lines others are then missing.
    """
    new = {symptom["template"] for symptom in incident.symptoms if symptom["kind"] == "new"}
    return (
        bool(new)
        and incident.sessions < MANY_LINES
        and all(symptom["template"] in new or symptom["kind"] == "missing" for symptom in incident.symptoms)
        and not any(loudness_of(one["template"], one["level"]) for one in incident.symptoms if one["template"] in new)
        and _seconds(incident) <= AT_ONCE_SECONDS
    )


def _seconds(incident: Incident) -> float:
    """From its first to its last line; without a clock 0 for one line or session, else forever."""
    if incident.first_seen is None or incident.last_seen is None:
        return 0.0 if incident.sessions == 1 else float("inf")
    first, last = datetime.fromisoformat(incident.first_seen), datetime.fromisoformat(incident.last_seen)
    return (last - first).total_seconds()
