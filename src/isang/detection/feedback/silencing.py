"""Divides anomaly records into reported incidents and those silenced by answers."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from isang.detection.causes.grouping import IncidentBaseline, incidents_of
from isang.detection.causes.symptoms import lead, moment, symptoms_of
from isang.detection.feedback.answers import AT_ONCE_SECONDS
from isang.detection.feedback.coverage import Answers
from isang.detection.incidents import Incident

MOST_AT_ONCE = 100_000
"""Sessions of one cause that are counted at once."""


@dataclass(frozen=True)
class AnsweredIncidents:
    """The incidents of a finished judgement, by whether answers silence them."""

    incidents: list[Incident]
    """The incidents to report, the most severe first."""
    silenced: list[Incident]
    """Answered to be normal: their `feedback` is the answer."""


def silenced_by(record: Mapping[str, Any], answers: Answers) -> str | None:
    """The id of the answer that covers everything in an anomaly record; None if something is left to report."""
    if not answers:
        return None
    covering = answers.covering(record)
    symptoms = symptoms_of(record)
    if not symptoms or len(covering) < len(symptoms):
        return None
    return covering[lead(record)].id


def uncovered(record: dict[str, Any], answers: Answers) -> dict[str, Any]:
    """The record with only the uncovered reasons; the others are in `silenced_reasons`."""
    covering = answers.covering(record) if answers else {}
    if not covering:
        return record
    left = [reason for reason in record["reasons"] if _is_left(record, reason, covering)]
    if len(left) == len(record["reasons"]) or not left:
        return record
    quiet = [reason for reason in record["reasons"] if reason not in left]
    return record | {"reasons": left, "silenced_reasons": quiet}


def told_incidents(records: Sequence[dict[str, Any]], around: IncidentBaseline, answers: Answers) -> AnsweredIncidents:
    """The incidents of all records, see `incidents_of`; each record gets its `incident`, and `silenced_by`.

    Covered records are grouped separately from the rest, so that neither hides in the other. If a cause marked as
    normal comes with far more sessions than it had then (`as_many_as`), it is reported again.
    """
    if not answers:
        return AnsweredIncidents(incidents_of(records, around), [])
    quiet, loud = [], []
    for record in records:
        answer = silenced_by(record, answers)
        if answer is None:
            left = uncovered(record, answers)
            record.update(left)
            loud.append(record)
        else:
            record["silenced_by"] = answer
            quiet.append(record)
    surging = _surging(quiet, answers)
    for record, surges in zip(quiet, surging, strict=True):
        if surges:
            del record["silenced_by"]
            loud.append(record)
    quiet = [record for record in quiet if "silenced_by" in record]
    told = [_with_answer(one, answers, None) for one in incidents_of(loud, around)]
    silenced = [_with_answer(one, answers, one.examples[0]["silenced_by"]) for one in incidents_of(quiet, around)]
    return AnsweredIncidents(told, silenced)


def told_of_logs(incidents: Sequence[Incident], answers: Answers) -> AnsweredIncidents:
    """Incidents of logs as a whole, by whether answers silence them; those of sessions are reported as they are."""
    told, silenced = list[Incident](), list[Incident]()
    for one in incidents:
        answer = None if one.examples else answers.of_logs(one.to_dict())
        if answer is None:
            told.append(one)
        else:
            silenced.append(replace(one, feedback=answer.shown(), silenced_by=answer.id))
    return AnsweredIncidents(told, silenced)


def is_of_logs(incident: Mapping[str, Any]) -> bool:
    """Whether an incident is of logs as a whole: it has no sessions of its own."""
    return not incident["episodes"]


def _is_left(record: dict[str, Any], reason: Mapping[str, Any], covering: Mapping[Any, Any]) -> bool:
    """Whether a reason shows a symptom that no answer covers."""
    return any(symptom not in covering for symptom in symptoms_of(record | {"reasons": [reason]}))


def _surging(quiet: Sequence[dict[str, Any]], answers: Answers) -> list[bool]:
    """Which of the silenced records belong to a time when their cause came far more often than the answer covers."""
    surges, found = Surges(answers), [False] * len(quiet)
    places: dict[str, list[int]] = {}  # per cause, the records so far that stay silenced
    for place in sorted(range(len(quiet)), key=lambda place: _second(quiet[place])):
        waiting = places.setdefault(lead(quiet[place]).fingerprint, [])
        waiting.append(place)
        if surges.is_one(quiet[place], quiet[place]["silenced_by"]):
            since = _second(quiet[place]) - AT_ONCE_SECONDS
            for other in waiting:
                found[other] |= _second(quiet[other]) >= since
            waiting.clear()
    return found


class Surges:
    """Counts silenced sessions by their cause, in the order of time."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._by_id = {answer.id: answer for answer in answers.answers}
        self._seconds: dict[str, deque[float]] = {}

    def is_one(self, record: Mapping[str, Any], answer: str) -> bool:
        """Whether more sessions of the record's cause than the answer covers came within AT_ONCE_SECONDS before it."""
        seconds = self._seconds.setdefault(lead(record).fingerprint, deque(maxlen=MOST_AT_ONCE))
        seconds.append(_second(record))
        while seconds[-1] - seconds[0] > AT_ONCE_SECONDS:
            seconds.popleft()
        return len(seconds) > self._answers.most_sessions(self._by_id[answer])


def _second(record: Mapping[str, Any]) -> float:
    time = moment(record)
    return 0.0 if time is None else time.timestamp()


def _with_answer(incident: Incident, answers: Answers, silenced: str | None) -> Incident:
    answer = answers.answer_to(incident.fingerprint)
    if silenced is not None:
        answer = next(one for one in answers.answers if one.id == silenced)
    if answer is None:
        return incident
    feedback = answer.shown()
    if silenced is None and answer.verdict == "normal" and answer.scope == "incident":
        feedback["covers_sessions"] = answers.most_sessions(answer)
    return replace(incident, feedback=feedback, silenced_by=silenced)
