"""Incidents of logs as a whole, such as silences and changed rates: firing while they go on, then resolved."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

from isang.artifact import Model
from isang.detection.causes.severity import SEVERITIES
from isang.detection.feedback.coverage import Answers
from isang.detection.feedback.silencing import is_of_logs
from isang.detection.incidents import Incident
from isang.detection.whole.live.going import Going
from isang.detection.whole.over_time.explained import explains
from isang.detection.whole.over_time.told_lines import incident_of_changes
from isang.service.judging.incident_book import IncidentChange, lasts_on
from isang.service.outputs import Event
from isang.service.storage.database import Database

BEGIN_TOGETHER_SECONDS = 120.0
"""Changes that begin within this many seconds, or two windows of rates, are of one cause."""
RENEWED_SECONDS = 60.0
"""An incident that goes on is written again when it has lasted longer by this, see `lasts_on`."""
MOST_OPEN, MOST_SERIES = 1_000, 100


class LogIncidents:
    """The incidents of all lines together; all state is in the database, so that a restart continues."""

    def __init__(self, database: Database, model: Model, window_seconds: float) -> None:
        self._database, self._model = database, model
        self._near = timedelta(seconds=max(BEGIN_TOGETHER_SECONDS, 2 * window_seconds))

    def look(self, found: Sequence[Going], answers: Answers, now_us: int) -> list[IncidentChange]:
        """Bring the incidents up to what is `found` now; the caller's transaction holds all of it."""
        firing = self._of_logs(state="firing")
        changes: list[IncidentChange] = []
        going: set[str] = set()
        for own, group in self._causes(found, firing):
            if own is None and self._is_explained(group):
                continue
            made, over = self._made(group, own, answers), all(one.over for one in group)
            going.add(made["id"])
            fires = own is not None and own["state"] == "firing"
            if not fires and (own is None or not over):
                changes.append(self._put(made | {"state": "firing"}, "firing", now_us))
            if over and (own is None or fires):
                changes.append(self._put(made | {"state": "resolved"}, "resolved", now_us))
            elif own is not None and fires and _is_news(own, made):
                changes.append(self._put(made, "repeated", now_us))
        ended = [own | {"state": "resolved"} for own in firing if own["id"] not in going]
        return [*changes, *(self._put(own, "resolved", now_us) for own in ended)]

    def _causes(
        self, found: Sequence[Going], firing: Sequence[dict[str, Any]]
    ) -> list[tuple[dict[str, Any] | None, list[Going]]]:
        """What is of one cause together, with the incident that it continues, if any."""
        new: list[list[Going]] = []
        known: dict[str, tuple[dict[str, Any], list[Going]]] = {}
        for group in self._together(found):
            own = self._matching(group, firing)
            if own is None:
                new.append(group)
            else:
                known.setdefault(own["id"], (own, []))[1].extend(group)
        return [*known.values(), *((None, group) for group in new)]

    def _of_logs(self, **asked: Any) -> list[dict[str, Any]]:
        found = self._database.incidents(limit=MOST_OPEN, **asked)
        return [one for one in found if is_of_logs(one) and one["symptoms"][0]["kind"] == "volume"]

    def _together(self, found: Sequence[Going]) -> list[list[Going]]:
        """Groups of what began together, each the least likely first."""
        groups: list[list[Going]] = []
        for one in sorted(found, key=lambda going: going.change.p_value):
            own = next((group for group in groups if self._begin_together(one, group[0].change.first)), None)
            if own is None:
                groups.append([one])
            else:
                own.append(one)
        return groups

    def _begin_together(self, one: Going, began: datetime) -> bool:
        first = one.change.first
        return first - self._near <= began <= first + timedelta(seconds=one.unsure_seconds) + self._near

    def _matching(self, group: Sequence[Going], firing: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
        """The incident that a group continues: one that fires, or one that was resolved and shares time and series."""
        for own in firing:
            if _shares(own, group) or self._begin_together(group[0], datetime.fromisoformat(own["first_seen"])):
                return own
        earlier = self._of_logs(since=min(one.change.first for one in group).isoformat())
        return next((one for one in earlier if one["state"] != "firing" and _shares(one, group)), None)

    def _made(self, group: Sequence[Going], own: Mapping[str, Any] | None, answers: Answers) -> dict[str, Any]:
        """The document of a group; what names an incident that was told before stays."""
        over = all(one.over for one in group)
        named = None if own is None else own["symptoms"][0]["template"]
        changes = sorted((one.change for one in group), key=lambda one: one.p_value)
        lead = next((one for one in changes if f"{one.kind} {one.series}" == named), None)
        document = incident_of_changes(self._model, changes, lead=lead, over=over).to_dict()
        document["changes"] = sorted({(one.kind, one.series) for one in changes} | _series(own or {}))[:MOST_SERIES]
        if own is not None:
            kept = ("id", "fingerprint", "symptoms", "state")
            document |= {name: own[name] for name in kept}
            document["first_seen"] = min(own["first_seen"], document["first_seen"])
            document["last_seen"] = max(own["last_seen"], document["last_seen"])
            document["severity"] = max(own["severity"], document["severity"], key=SEVERITIES.index)
            if lead is None:
                document |= {name: own[name] for name in ("title", "title_ko", "sessions")}
        answer = answers.of_logs(document)
        shown = answer or answers.answer_to(document["fingerprint"])
        document["silenced_by"] = None if answer is None else answer.id
        document["feedback"] = None if shown is None else shown.shown()
        return document

    def _is_explained(self, group: Sequence[Going]) -> bool:
        """Whether an incident of sessions that fires is about these lines at that time."""
        changes = [one.change for one in group]
        documents = self._database.incidents(state="firing", limit=MOST_OPEN)
        return any(explains(_incident(one), None, changes) for one in documents if not is_of_logs(one))

    def _put(self, document: dict[str, Any], event: Event, now_us: int) -> IncidentChange:
        self._database.put_incident(document, now_us)
        return IncidentChange("silenced" if document["silenced_by"] else event, document)


def _is_news(own: Mapping[str, Any], made: Mapping[str, Any]) -> bool:
    if own["severity"] != made["severity"] or _series(own) != _series(made):
        return True
    return lasts_on(own, made, RENEWED_SECONDS)


def _series(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(kind, series) for kind, series in document.get("changes", ())}


def _shares(document: Mapping[str, Any], group: Sequence[Going]) -> bool:
    """Whether an incident has a series of the group, at a time in which both went on."""
    known = _series(document)
    first, last = datetime.fromisoformat(document["first_seen"]), datetime.fromisoformat(document["last_seen"])
    return any(
        (one.change.kind, one.change.series) in known and one.change.first <= last and one.change.last >= first
        for one in group
    )


def _incident(document: Mapping[str, Any]) -> Incident:
    given = {entry.name: document[entry.name] for entry in fields(Incident)}
    return Incident(**given)
