"""Groups arriving anomalies into incidents: firing, then resolved after a silence."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from isang.artifact import Model
from isang.detection.causes.episodes import Episode, join
from isang.detection.causes.grouping import LEAST_SILENCE_SECONDS, IncidentBaseline, incident_of, leading
from isang.detection.causes.symptoms import lead, moment
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.feedback.silencing import is_of_logs, silenced_by
from isang.service.judging.rhythm import Rhythm, alert_seconds
from isang.service.outputs import Event
from isang.service.storage.database import Database

KEPT_RECORDS = 200
"""Maximum number of anomaly records from which an incident is derived; further ones are only counted."""
MOST_EPISODES = 50
"""Maximum number of separate episodes of an incident."""
RHYTHM = "rhythm"
"""Name of the fact in the database."""
STREAM = "logs"
_NO_MOMENT = datetime.fromtimestamp(0, UTC)


class IncidentChange(NamedTuple):
    """A change of an incident."""

    event: Event | Literal["silenced"]
    """`silenced`: an answer says that it is normal; no notification is sent."""
    incident: dict[str, Any]
    """The incident's document."""


@dataclass
class _Open:
    """An incident that may still grow."""

    id: str
    episodes: list[Episode]
    """In the order in which they were first reported."""
    sessions: int
    last: datetime | None
    silence_seconds: float
    told: bool = False
    silenced_by: str | None = None
    """The answer that says that it is normal."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """The kept records, in the order of their episodes."""
        return [record for episode in self.episodes for record in episode.records]

    @property
    def cause(self) -> str:
        """The fingerprint of the cause that it is named after."""
        return leading(sum((episode.leads for episode in self.episodes), Counter())).fingerprint

    def add(self, episode: Episode) -> None:
        """Add an episode; if there are too many, the first two are merged."""
        self.episodes.append(episode)
        if len(self.episodes) > MOST_EPISODES:
            first, second = self.episodes[:2]
            self.episodes[:2] = [first.with_next(second)]

    def surplus(self) -> list[dict[str, Any]]:
        """Remove and return the records beyond KEPT_RECORDS.

        Each leading symptom keeps a record that shows it: the latest record is removed if an earlier one has the same
        leading symptom, else the latest of the most frequent symptom; if all differ, the least informative one.
        """
        gone = []
        while len(records := self.records) > KEPT_RECORDS:
            last = lead(records[-1])
            if not any(lead(record) == last for record in records[:-1]):
                kept = Counter(map(lead, records))
                last = max(kept, key=lambda symptom: (kept[symptom] > 1, kept[symptom], symptom.rank, symptom.template))
            gone.append(next(record for record in reversed(records) if lead(record) == last))
            for episode in self.episodes:
                episode.records = [record for record in episode.records if record is not gone[-1]]
        return gone

    def replace(self, records: Sequence[dict[str, Any]]) -> None:
        """Keep only these records, each in its episode."""
        kept = _episodes(records, [(episode.first, episode.last) for episode in self.episodes])
        self.episodes = [episode for episode in kept if episode.records]


class IncidentBook:
    """The incidents of judged sessions; all state is in the database, so that a restart continues.

    An anomaly that is already known, because a killed process had judged its session before, changes nothing.
    """

    def __init__(self, database: Database, model: Model, model_name: str, answers: Answers = NO_ANSWERS) -> None:
        self._database, self._model_name, self._answers = database, model_name, answers
        facts = model.facts
        self._normal_sessions = int(facts["period_sessions"]) - int(facts["left_out_as_anomalous"])
        firing = database.incidents(state="firing", limit=10_000)
        self._open = [_reopened(database, document) for document in firing if not is_of_logs(document)]
        self._rhythm = Rhythm(alert_seconds(model), database.fact(RHYTHM))

    def add(self, records: Sequence[dict[str, Any]], sessions: int, now_us: int) -> list[IncidentChange]:
        """Add anomaly records; `sessions`: number of sessions judged so far."""
        changed: dict[str, _Open] = {}
        if now_us:
            self._rhythm.watch(datetime.fromtimestamp(now_us / 1e6, UTC))
        for record in sorted(records, key=lambda record: moment(record) or _NO_MOMENT):
            kept, key = record.get("kept"), _key(record)
            record = {name: value for name, value in record.items() if name != "kept"}
            known = self._database.anomaly(key)
            if known and self._left(record, known[0]):
                known = None
            own = self._known(record, known[0]) if known else self._joined(record, now_us)
            if own is not None:
                gone = own.surplus()
                stays = not any(one is record for one in gone)
                self._database.add_anomaly(key, own.id, known[1] if known else own.sessions, record if stays else None)
                if kept is not None and stays:
                    self._database.keep_session(key, kept)
                self._database.forget_anomalies([_key(one) for one in gone if one is not record])
                changed[own.id] = own
        if changed:
            self._database.keep(RHYTHM, self._rhythm.to_dict())
        changes = []
        for own in changed.values():
            document = self._document(own, sessions, now_us)
            event: Event | Literal["silenced"] = "repeated" if own.told else "firing"
            changes.append(IncidentChange("silenced" if own.silenced_by else event, document))
            own.told = True
        return changes

    def answer(self, answers: Answers, sessions: int, now_us: int) -> list[IncidentChange]:
        """Apply these answers from now on; return the open incidents that they silence, or no longer silence."""
        self._answers = answers
        changes = []
        for own in self._open:
            before, own.silenced_by = own.silenced_by, _silenced_by(own.records, answers)
            document = self._document(own, sessions, now_us)
            if before is None and own.silenced_by is not None:
                changes.append(IncidentChange("silenced", document))
            elif before is not None and own.silenced_by is None:
                changes.append(IncidentChange("firing", document))
        return changes

    def resolve(self, now_us: int) -> list[IncidentChange]:
        """Resolve the incidents that have been silent for long enough; `now_us` is the time in the logs."""
        now = datetime.fromtimestamp(now_us / 1e6, UTC)
        over = [own for own in self._open if own.last and (now - own.last).total_seconds() > own.silence_seconds]
        changes = []
        for own in over:
            self._open.remove(own)
            document = (self._database.incident(own.id) or {}) | {"state": "resolved"}
            self._database.put_incident(document, now_us)
            changes.append(IncidentChange("silenced" if own.silenced_by else "resolved", document))
        return changes

    def _left(self, record: dict[str, Any], incident: str) -> bool:
        """Whether a session has left an open silenced incident, because it now has reasons that no answer covers."""
        own = next((own for own in self._open if own.id == incident), None)
        if own is None or own.silenced_by is None or "silenced_by" in record:
            return False
        key = _key(record)
        own.replace([other for other in own.records if _key(other) != key])
        own.sessions -= 1
        if not own.episodes:
            self._open.remove(own)
            self._database.drop_incident(own.id)
        return True

    def _known(self, record: dict[str, Any], incident: str) -> _Open | None:
        """The open incident with an already known anomaly, whose session has ended since or is judged again."""
        own = next((own for own in self._open if own.id == incident), None)
        key = _key(record)
        for episode in own.episodes if own is not None else ():
            place = next((place for place, other in enumerate(episode.records) if _key(other) == key), None)
            if place is not None:
                episode.exchange(place, record)
                return own
        return None

    def _joined(self, record: dict[str, Any], now_us: int) -> _Open:
        """The incident that a new anomaly belongs to, by the rules for finished logs, see `incidents_of`.

        It joins an episode that is close in time; a new episode joins the incident with the same leading symptom.
        """
        quiet, time = record.get("silenced_by"), moment(record)
        alike = [own for own in self._open if (own.silenced_by is None) == (quiet is None)]
        owners = {id(episode): own for own in alike for episode in own.episodes}
        episodes = sorted((each for own in alike for each in own.episodes), key=lambda each: each.last or _NO_MOMENT)
        before, cause = len(episodes), lead(record)
        if time is None and (same := next((each for each in episodes if cause in each.leads), None)) is not None:
            same.add(record)
            episode = same
        else:
            episode = join(episodes, record, self._rhythm.window(time))
        if len(episodes) == before:
            own = owners[id(episode)]
        else:
            self._rhythm.begins(time)
            own = next((own for own in alike if own.cause == cause.fingerprint), None) or self._opened(record, quiet)
            own.add(episode)
        own.sessions += 1
        own.last = max((each.last for each in own.episodes if each.last), default=None)
        own.last = own.last or datetime.fromtimestamp(now_us / 1e6, UTC)
        return own

    def _opened(self, record: dict[str, Any], quiet: str | None) -> _Open:
        number = hashlib.sha256(f"{STREAM}|{_key(record)}".encode()).hexdigest()[:16]
        self._open.append(_Open(number, [], 0, None, LEAST_SILENCE_SECONDS, silenced_by=quiet))
        return self._open[-1]

    def _shown(self, fingerprint: str, quiet: str | None) -> dict[str, Any] | None:
        by_id = {answer.id: answer for answer in self._answers.answers}
        answer = by_id.get(quiet) if quiet else self._answers.answer_to(fingerprint)
        return None if answer is None else answer.shown()

    def _document(self, own: _Open, sessions: int, now_us: int) -> dict[str, Any]:
        around = IncidentBaseline(
            sessions=max(sessions, own.sessions), normal_sessions=self._normal_sessions, stream=STREAM,
            model=self._model_name, end=own.last, sources=2,
        )  # fmt: skip
        document = incident_of(own.episodes, around, own.sessions).to_dict()
        own.silence_seconds = float(document["silence_seconds"] or LEAST_SILENCE_SECONDS)
        document |= {"id": own.id, "state": "firing", "silenced_by": own.silenced_by}
        document["feedback"] = self._shown(document["fingerprint"], own.silenced_by)
        self._database.put_incident(document, now_us)
        return document


def _silenced_by(records: Sequence[dict[str, Any]], answers: Answers) -> str | None:
    """The answer that covers an incident, if all its records are covered."""
    found = None
    for one in records:
        found = silenced_by(one | {"reasons": [*one["reasons"], *one.get("silenced_reasons", ())]}, answers)
        if found is None:
            return None
    return found


def _key(record: Mapping[str, Any]) -> str:
    """A record's key; it stays the same when a session is judged again, or ends after it was reported."""
    return hashlib.sha256(f"{record['session_id']}|{record['start']}".encode()).hexdigest()[:24]


def _episodes(
    records: Sequence[dict[str, Any]], spans: Sequence[tuple[datetime | None, datetime | None]]
) -> list[Episode]:
    """Episodes with these records; each span is the first and last moment of an episode."""
    found = [Episode(first=first, last=last) for first, last in spans]
    for record in records:
        time = moment(record)
        inside = (each for each in found if time and each.first and each.last and each.first <= time <= each.last)
        next(inside, found[-1]).add(record)
    return found


def _reopened(database: Database, document: Mapping[str, Any]) -> _Open:
    last = document["last_seen"]
    spans = [(_time(each["first_seen"]), _time(each["last_seen"])) for each in document["episodes"]]
    return _Open(
        document["id"], _episodes(database.anomalies_of(document["id"]), spans), int(document["sessions"]), _time(last),
        float(document["silence_seconds"] or LEAST_SILENCE_SECONDS), told=True,
        silenced_by=document.get("silenced_by"),
    )  # fmt: skip


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


RENEWED_SHARE = 0.1


def lasts_on(own: Mapping[str, Any], made: Mapping[str, Any], seconds: float) -> bool:
    """Whether an incident has lasted longer than was written by `seconds`, and by RENEWED_SHARE of all its time."""
    first, last, now = (
        datetime.fromisoformat(time) for time in (own["first_seen"], own["last_seen"], made["last_seen"])
    )
    return (now - last).total_seconds() >= max(seconds, RENEWED_SHARE * (now - first).total_seconds())
