"""Anomalies to incidents while they come: firing, then resolved after a silence."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from isang.artifact import Model
from isang.detection.causes.episodes import MOST_SECONDS, Episode, join
from isang.detection.causes.grouping import LEAST_SILENCE_SECONDS, Surroundings, incident_of
from isang.detection.causes.symptoms import lead, moment
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import silenced_by
from isang.service.outputs import Event
from isang.service.storage.database import Database

KEPT_RECORDS = 200
"""Anomaly records that an incident is worked out from; those beyond are counted."""
STREAM = "logs"


class Change(NamedTuple):
    """What became of an incident."""

    event: Event | Literal["silenced"]
    """`silenced`: an answer says that it is normal; nobody is told."""
    incident: dict[str, Any]
    """Its document."""


@dataclass
class _Open:
    """An incident that may go on."""

    id: str
    episode: Episode
    sessions: int
    last: datetime | None
    silence_seconds: float
    told: bool = False
    silenced_by: str | None = None
    """The answer that says that it is normal."""


class IncidentBook:
    """The incidents of one stream of judged sessions; all of it is in the database, so that a restart goes on.

    An anomaly that came before, because a killed process had judged its session already, changes nothing.
    """

    def __init__(self, database: Database, model: Model, model_name: str, answers: Answers = NO_ANSWERS) -> None:
        self._database, self._model_name, self._answers = database, model_name, answers
        facts = model.facts
        self._normal_sessions = int(facts["period_sessions"]) - int(facts["left_out_as_anomalous"])
        self._open = [_reopened(database, document) for document in database.incidents(state="firing", limit=10_000)]

    def add(self, records: Sequence[dict[str, Any]], sessions: int, now_us: int) -> list[Change]:
        """Take anomaly records in; `sessions`: how many were judged so far."""
        changed: dict[str, _Open] = {}
        for record in records:
            kept, key = record.pop("kept", None), _key(record)
            known = self._database.anomaly(key)
            if known and self._left(record, known[0]):
                known = None
            own = self._known(record, known[0]) if known else self._joined(record, now_us)
            if own is not None:
                self._database.add_anomaly(key, own.id, known[1] if known else own.sessions, record)
                if kept is not None:
                    self._database.keep_session(key, kept)
                changed[own.id] = own
        changes = []
        for own in changed.values():
            document = self._document(own, sessions, now_us)
            event: Event | Literal["silenced"] = "repeated" if own.told else "firing"
            changes.append(Change("silenced" if own.silenced_by else event, document))
            own.told = True
        return changes

    def answer(self, answers: Answers, sessions: int, now_us: int) -> list[Change]:
        """From now on these answers hold: what of the open incidents is silent by them, or no longer."""
        self._answers = answers
        changes = []
        for own in self._open:
            before, own.silenced_by = own.silenced_by, _silenced_by(own.episode.records, answers)
            document = self._document(own, sessions, now_us)
            if before is None and own.silenced_by is not None:
                changes.append(Change("silenced", document))
            elif before is not None and own.silenced_by is None:
                changes.append(Change("firing", document))
        return changes

    def resolve(self, now_us: int) -> list[Change]:
        """End the incidents that have been silent for long enough; `now_us` is the time in the logs."""
        now = datetime.fromtimestamp(now_us / 1e6, UTC)
        over = [own for own in self._open if own.last and (now - own.last).total_seconds() > own.silence_seconds]
        changes = []
        for own in over:
            self._open.remove(own)
            document = (self._database.incident(own.id) or {}) | {"state": "resolved"}
            self._database.put_incident(document, now_us)
            changes.append(Change("silenced" if own.silenced_by else "resolved", document))
        return changes

    def _left(self, record: dict[str, Any], incident: str) -> bool:
        """Whether a session that an open incident had is none of it any more: more came that no answer covers."""
        own = next((own for own in self._open if own.id == incident), None)
        if own is None or own.silenced_by is None or "silenced_by" in record:
            return False
        key = _key(record)
        own.episode = _episode([other for other in own.episode.records if _key(other) != key])
        own.sessions -= 1
        if not own.episode.records:
            self._open.remove(own)
            self._database.drop_incident(own.id)
        return True

    def _known(self, record: dict[str, Any], incident: str) -> _Open | None:
        """The open incident of an anomaly that came before: its session has ended since, or is judged again."""
        own = next((own for own in self._open if own.id == incident), None)
        if own is not None:
            key = _key(record)
            kept = [other if _key(other) != key else record for other in own.episode.records]
            own.episode = _episode(kept)
        return own

    def _joined(self, record: dict[str, Any], now_us: int) -> _Open:
        """The incident that a new anomaly belongs to; without a clock, one with the same leading symptom."""
        quiet = record.get("silenced_by")
        episodes = [own.episode for own in self._open if (own.silenced_by is None) == (quiet is None)]
        before = len(episodes)
        timeless = moment(record) is None
        alike = (episode for episode in episodes if timeless and lead(record) in episode.leads)
        episode = next(alike, None) or join(episodes, record, MOST_SECONDS)
        if timeless and record not in episode.records:
            episode.add(record)
        if len(episodes) > before:
            own = _Open("", episode, 0, episode.last, LEAST_SILENCE_SECONDS, silenced_by=quiet)
            own.id = hashlib.sha256(f"{STREAM}|{_key(record)}".encode()).hexdigest()[:16]
            self._open.append(own)
        else:
            own = next(own for own in self._open if own.episode is episode)
        own.sessions += 1
        own.last = episode.last or datetime.fromtimestamp(now_us / 1e6, UTC)
        if len(episode.records) > KEPT_RECORDS:
            own.episode = _episode(episode.records[:KEPT_RECORDS])
            own.episode.last = own.last
        return own

    def _shown(self, fingerprint: str, quiet: str | None) -> dict[str, Any] | None:
        by_id = {answer.id: answer for answer in self._answers.answers}
        answer = by_id.get(quiet) if quiet else self._answers.answer_to(fingerprint)
        return None if answer is None else answer.shown()

    def _document(self, own: _Open, sessions: int, now_us: int) -> dict[str, Any]:
        around = Surroundings(
            sessions=max(sessions, own.sessions), normal_sessions=self._normal_sessions, stream=STREAM,
            model=self._model_name, end=own.last, sources=2,
        )  # fmt: skip
        document = incident_of([own.episode], around).to_dict()
        own.silence_seconds = float(document["silence_seconds"] or LEAST_SILENCE_SECONDS)
        document |= {"id": own.id, "state": "firing", "sessions": own.sessions, "silenced_by": own.silenced_by}
        document["feedback"] = self._shown(document["fingerprint"], own.silenced_by)
        self._database.put_incident(document, now_us)
        self._database.forget_anomalies(own.id, KEPT_RECORDS)
        return document


def _silenced_by(records: Sequence[dict[str, Any]], answers: Answers) -> str | None:
    """The answer that covers an incident, all of whose records are covered."""
    found = None
    for one in records:
        found = silenced_by(one | {"reasons": [*one["reasons"], *one.get("silenced_reasons", ())]}, answers)
        if found is None:
            return None
    return found


def _key(record: Mapping[str, Any]) -> str:
    """The same for a session that is judged again, and for one that goes on and has ended."""
    return hashlib.sha256(f"{record['session_id']}|{record['start']}".encode()).hexdigest()[:24]


def _episode(records: Sequence[dict[str, Any]]) -> Episode:
    episode = Episode()
    for record in records:
        episode.add(record)
    return episode


def _reopened(database: Database, document: Mapping[str, Any]) -> _Open:
    last = document["last_seen"]
    episode = _episode(database.anomalies_of(document["id"]))
    own = _Open(
        document["id"], episode, int(document["sessions"]), datetime.fromisoformat(last) if last else None,
        float(document["silence_seconds"] or LEAST_SILENCE_SECONDS), told=True,
        silenced_by=document.get("silenced_by"),
    )  # fmt: skip
    episode.last = own.last
    return own
