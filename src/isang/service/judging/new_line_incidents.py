"""Incidents of new kinds of lines outside of sessions: firing while such lines come, then resolved."""

from collections.abc import Mapping, Sequence
from typing import Any

from isang.detection.causes.severity import SEVERITIES
from isang.detection.feedback.coverage import Answers
from isang.detection.feedback.silencing import is_of_logs
from isang.detection.whole.live.new_lines import NewLinesNow
from isang.service.judging.incident_book import IncidentChange, lasts_on
from isang.service.outputs import Event
from isang.service.storage.database import Database

RENEWED_SECONDS = 10.0
"""An incident that goes on is written again when it has lasted longer by this, see `lasts_on`."""
MOST_OPEN = 1_000


class NewLineIncidents:
    """All state is in the database, so that a restart continues: what was told before keeps its id and title."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._firing = {one["id"]: one for one in self._of_new_lines(state="firing")}

    def look(self, found: Sequence[NewLinesNow], answers: Answers, now_us: int) -> list[IncidentChange]:
        """Bring the incidents up to what is `found` now; the caller's transaction holds all of it."""
        changes: list[IncidentChange] = []
        going: set[str] = set()
        for group in found:
            own = self._matching(group)
            if own is None and self._is_explained(group):
                continue
            made, fires = _made(group, own, answers), own is not None and own["state"] == "firing"
            going.add(made["id"])
            if not fires and (own is None or not group.over):
                changes.append(self._put(made | {"state": "firing"}, "firing", now_us))
            if group.over and (own is None or fires):
                changes.append(self._put(made | {"state": "resolved"}, "resolved", now_us))
            elif own is not None and fires and _is_news(own, made):
                changes.append(self._put(made, "repeated", now_us))
        ended = [own | {"state": "resolved"} for name, own in self._firing.items() if name not in going]
        return [*changes, *(self._put(own, "resolved", now_us) for own in ended)]

    def _matching(self, group: NewLinesNow) -> dict[str, Any] | None:
        """The incident that a group continues; after a kill also one that was told since the state was saved."""
        for own in self._firing.values():
            if _shares(own, group):
                return own
        known = self._database.incident(group.incident.id)
        return known if known is not None and _shares(known, group) else None

    def _is_explained(self, group: NewLinesNow) -> bool:
        """Whether an incident of sessions that fires has one of these lines."""
        firing = (one for one in self._database.incidents(state="firing", limit=MOST_OPEN) if not is_of_logs(one))
        return any(
            symptom["kind"] == "new" and symptom["template"] in group.templates
            for one in firing
            for symptom in one["symptoms"]
        )

    def _of_new_lines(self, **asked: Any) -> list[dict[str, Any]]:
        found = self._database.incidents(limit=MOST_OPEN, **asked)
        return [one for one in found if is_of_logs(one) and one["symptoms"][0]["kind"] == "new"]

    def _put(self, document: dict[str, Any], event: Event, now_us: int) -> IncidentChange:
        if document["state"] == "firing":
            self._firing[document["id"]] = document
        else:
            self._firing.pop(document["id"], None)
        self._database.put_incident(document, now_us)
        return IncidentChange("silenced" if document["silenced_by"] else event, document)


def _made(group: NewLinesNow, own: Mapping[str, Any] | None, answers: Answers) -> dict[str, Any]:
    """The document of a group; what names an incident that was told before stays."""
    document = group.incident.to_dict() | {"new_lines": list(group.templates)}
    if own is not None:
        document |= {name: own[name] for name in ("id", "fingerprint", "symptoms", "state", "first_seen")}
        document["last_seen"] = max(own["last_seen"], document["last_seen"])
        document["severity"] = max(own["severity"], document["severity"], key=SEVERITIES.index)
    answer = answers.of_logs(document)
    shown = answer or answers.answer_to(document["fingerprint"])
    document["silenced_by"] = None if answer is None else answer.id
    document["feedback"] = None if shown is None else shown.shown()
    return document


def _shares(document: Mapping[str, Any], group: NewLinesNow) -> bool:
    """Whether an incident has a line of the group, at a time in which both went on."""
    incident = group.incident
    assert incident.first_seen is not None
    assert incident.last_seen is not None
    known = document.get("new_lines", ())
    return (
        any(template in known for template in group.templates)
        and incident.first_seen <= document["last_seen"]
        and incident.last_seen >= document["first_seen"]
    )


def _is_news(own: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    if any(own[name] != made[name] for name in ("severity", "silenced_by", "new_lines")):
        return True
    return lasts_on(own, made, RENEWED_SECONDS)
