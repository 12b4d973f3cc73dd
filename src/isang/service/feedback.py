"""Answers that people give to the incidents of the running service."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from isang.detection.feedback.answers import (
    SCOPES,
    VERDICTS,
    Answer,
    Entry,
    answer_to,
    entry_of,
    in_effect,
    time,
    undo_of,
)
from isang.detection.feedback.coverage import Answers
from isang.detection.feedback.effect import effect_of
from isang.detection.feedback.ledger import append, ledger_of, read_ledger
from isang.detection.feedback.measured import false_alarms
from isang.detection.feedback.silencing import is_of_logs, silenced_by
from isang.errors import IsangError
from isang.json_files import flag, maybe, one_of, record, text
from isang.progress import say
from isang.service.judging.incident_book import IncidentChange
from isang.service.metrics import Metrics
from isang.service.storage.database import Database

EFFECT_DAYS = 7
"""The effect of an answer is shown for the incidents of this many days."""
EFFECT_INCIDENTS = 1_000
MOST_TOUCHED = 10_000
_REVIEWED = "reviewed"
"""Fact in the database: the state at the last answer, as sessions judged and sessions of incidents by verdict."""
_BODY = record(
    {"verdict": one_of(*VERDICTS)},
    {"scope": one_of(*SCOPES), "until": maybe(time), "template": maybe(text), "dry_run": flag},
    closed=True,
)


class Refused(Exception):
    """An answer, or a command to the models, that cannot be accepted: the HTTP `status`, and why."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Feedback:
    """The answers in the database, shared by several threads; they are also stored beside the model that judges.

    `put` runs within the transaction in which an answer changes an incident, `told` after it.

    Each answer is a row that never changes, so writing it twice, or merging it with those of another file, does not
    duplicate it.
    """

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        put: Callable[[IncidentChange], None],
        told: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._database, self._metrics, self._put, self._told = database, metrics, put, told
        self._lock = threading.RLock()
        self.judged: Callable[[], int] = lambda: 0
        """Number of sessions judged so far."""
        self._ledger: Path | None = None
        self.answers = Answers(in_effect(self._entries()))
        """The answers in effect; replaced with a new object whenever they change."""
        self._metrics.false_alarms_told.inc(database.sessions_by_verdict().get("normal", 0))

    def use(self, model: Path) -> None:
        """Share the answers with the file beside a model, both ways."""
        with self._lock:
            self._ledger = ledger_of(model)
            for entry in read_ledger(self._ledger):
                self._database.put_feedback(entry.id, entry.at, entry.to_dict())
            self._share()
            self._renew()

    def give(self, incident_id: str, body: Any) -> dict[str, Any]:
        """Accept an answer; return it, and what it silences of the last days. Raises Refused."""
        try:
            _BODY(body, "")
        except ValueError as error:
            raise Refused(400, f"the answer cannot be used: {error}") from error
        incident = self._database.incident(incident_id)
        if incident is None:
            raise Refused(404, "there is no such incident")
        until = body.get("until")
        try:
            answer = answer_to(
                incident, whole(self._database.anomalies_of(incident_id)), body["verdict"],
                scope=body.get("scope", "incident"), template=body.get("template"),
                until=None if until is None else datetime.fromisoformat(until),
            )  # fmt: skip
        except ValueError as error:
            raise Refused(400, str(error)) from error
        with self._lock:
            effect = effect_of(answer, self.answers.answers, self._came())
            false = answer.verdict == "normal" and not is_of_logs(incident)
            if not body.get("dry_run", False):
                self._accept(answer, answer, int(incident["sessions"]) if false else 0)
        return {"schema": 1, "feedback": answer.to_dict(), "accepted": not body.get("dry_run", False), "effect": effect}

    def undo(self, answer_id: str) -> dict[str, Any]:
        """Undo an answer. Raises Refused."""
        with self._lock:
            answer = next((one for one in self.answers.answers if one.id == answer_id), None)
            if answer is None:
                raise Refused(404, "there is no such answer in effect")
            self._accept(undo_of(answer), answer, 0)
        return {"schema": 1, "undone": answer.to_dict()}

    def listed(self) -> dict[str, Any]:
        """The answers in effect, the latest first; what they measure is in the status."""
        return {"schema": 1, "feedback": [answer.to_dict() for answer in reversed(self.answers.answers)]}

    def measured(self, sessions: int, asked_per_thousand: float) -> dict[str, Any]:
        """Confirmed false alarms and the budget, over the sessions that had been judged when the last answer was given.

        Later sessions could not have been answered yet: they are `not_reviewed`.
        """
        now, then = self._database.sessions_by_verdict(), self._database.fact(_REVIEWED)
        reviewed: dict[str, Any] = {"sessions": 0, "counts": []} if then is None else then
        counted = [
            {"sessions": count, "feedback": None if verdict is None else {"verdict": verdict}}
            for verdict, count in reviewed["counts"]
        ]
        found = false_alarms(counted, sessions, asked_per_thousand, min(sessions, int(reviewed["sessions"])))
        return found | {"not_reviewed": max(0, sum(now.values()) - sum(count for _, count in reviewed["counts"]))}

    def _accept(self, entry: Entry, answer: Answer, false_sessions: int) -> None:
        with self._database.together():
            self._database.put_feedback(entry.id, entry.at, entry.to_dict())
            answers = Answers(in_effect(self._entries()))
            for incident in self._touched(answer):
                document = answered(incident, answers, self._database)
                self._database.put_incident(document, None)
                if document["state"] == "firing" and is_quiet(document) != is_quiet(incident):
                    self._put(IncidentChange("resolved" if is_quiet(document) else "firing", document))
            counts = list(self._database.sessions_by_verdict().items())
            self._database.keep(_REVIEWED, {"sessions": self.judged(), "counts": counts})
        self.answers = answers
        self._share()
        self._metrics.false_alarms_told.inc(false_sessions)
        self._told("feedback", entry.to_dict())

    def _touched(self, answer: Answer) -> list[dict[str, Any]]:
        """The incidents that an answer can apply to."""
        if answer.scope == "incident":
            return self._database.incidents(limit=MOST_TOUCHED, fingerprints=[answer.fingerprint])
        return self._database.incidents(limit=MOST_TOUCHED)

    def _renew(self) -> None:
        self.answers = Answers(in_effect(self._entries()))

    def _entries(self) -> list[Entry]:
        return [entry_of(value) for value in self._database.feedback()]

    def _came(self) -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
        """The incidents of the last days, with their kept anomaly records."""
        since = (datetime.now(UTC) - timedelta(days=EFFECT_DAYS)).isoformat()
        latest = self._database.latest_seen()
        if latest is not None and latest < since:  # logs from another period
            since = (datetime.fromisoformat(latest) - timedelta(days=EFFECT_DAYS)).isoformat()
        found = self._database.incidents(since=since, limit=EFFECT_INCIDENTS)
        return [(incident, whole(self._database.anomalies_of(incident["id"]))) for incident in found]

    def _share(self) -> None:
        """Write the answers beside the model too; a failure is reported, and the database still has them."""
        if self._ledger is None:
            return
        try:
            append(self._ledger, self._entries())
        except (IsangError, OSError) as error:
            say(f"warning: the answers stand in the database alone: {error}")


def answered(incident: dict[str, Any], answers: Answers, database: Database) -> dict[str, Any]:
    """The incident's document with its `feedback`, and with `silenced_by` if all of its records are covered."""
    quiet = None
    if is_of_logs(incident):
        covering = answers.of_logs(incident)
        quiet = None if covering is None else covering.id
    for one in whole(database.anomalies_of(incident["id"])):
        quiet = silenced_by(one, answers)
        if quiet is None:
            break
    answer = answers.answer_to(incident["fingerprint"])
    if quiet is not None:
        answer = next(one for one in answers.answers if one.id == quiet)
    return incident | {"silenced_by": quiet, "feedback": None if answer is None else answer.shown()}


def whole(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Anomaly records with all their reasons restored, including covered ones."""
    return [one | {"reasons": [*one["reasons"], *one.get("silenced_reasons", ())]} for one in records]


def is_quiet(incident: Mapping[str, Any]) -> bool:
    """Whether an answer silences an incident."""
    return incident.get("silenced_by") is not None
