"""Whether an anomaly shows only what users have marked as normal."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from isang.detection.causes.symptoms import Symptom, symptoms_of
from isang.detection.feedback.answers import Answer

SURPRISE = 0.001
"""More sessions at once than come with this probability, given how many came then, are not covered by an answer."""
_BLANKS = re.compile(r"\s+")


class Answers:
    """Answers that are in effect, ready to be asked about anomaly records."""

    def __init__(self, answers: Iterable[Answer] = ()) -> None:
        self.answers = sorted(answers, key=lambda answer: (answer.at, answer.id))
        self._latest: dict[str, Answer] = {}
        self._normal: list[Answer] = []
        for answer in self.answers:
            if answer.verdict == "acknowledged":
                continue
            self._latest[answer.fingerprint] = answer
            if answer.verdict == "normal":
                self._normal.append(answer)

    def __bool__(self) -> bool:
        return bool(self.answers)

    def answer_to(self, fingerprint: str) -> Answer | None:
        """The last answer to an incident of this fingerprint, whatever it says."""
        return next((one for one in reversed(self.answers) if one.fingerprint == fingerprint), None)

    def covering(self, record: Mapping[str, Any]) -> dict[Symptom, Answer]:
        """The symptoms of an anomaly record that are marked as normal, each with the answer that says so.

        An answer to an incident covers its cause, and together with that cause whatever else its sessions had; an
        answer about a template covers every symptom of such a line; one about a detector covers all reasons of that
        kind. Nothing covers what a user has called an anomaly since.
        """
        symptoms = symptoms_of(record)
        valid = [answer for answer in self._normal if _holds_at(answer, record)]
        found: dict[Symptom, Answer] = {}
        for symptom in symptoms:
            said = next((answer for answer in reversed(valid) if _is_about(answer, symptom)), None)
            latest = self._latest.get(symptom.fingerprint)
            if said is not None and not (latest and latest.verdict == "anomaly" and latest.at >= said.at):
                found[symptom] = said
        direct = [answer for symptom, answer in found.items() if answer.fingerprint == symptom.fingerprint]
        for symptom in symptoms:
            latest = self._latest.get(symptom.fingerprint)
            beside = next((answer for answer in direct if symptom.fingerprint in answer.companions), None)
            if symptom not in found and beside is not None and (latest is None or latest.verdict != "anomaly"):
                found[symptom] = beside
        return found

    def of_logs(self, incident: Mapping[str, Any]) -> Answer | None:
        """The answer that calls an incident of logs as a whole normal, at the time when it began; None: there is none.

        An answer to an incident covers its fingerprint, one about a template its line, one about a detector its kind.
        """
        latest = self._latest.get(incident["fingerprint"])
        if latest is not None and latest.verdict == "anomaly":
            return None
        symptom = incident["symptoms"][0]
        valid = (answer for answer in reversed(self._normal) if _holds_at(answer, {"start": incident["first_seen"]}))
        return next((answer for answer in valid if _is_about_logs(answer, incident["fingerprint"], symptom)), None)

    def most_sessions(self, answer: Answer) -> int:
        """Maximum number of sessions within AT_ONCE_SECONDS covered by an answer and others to the same cause."""
        same = (one.at_once for one in self._normal if one.fingerprint == answer.fingerprint)
        return as_many_as(max(same, default=answer.at_once))


NO_ANSWERS = Answers()


def as_many_as(seen: int) -> int:
    """How many sessions one time may have where another had `seen`, but for the probability SURPRISE.

    For events of an unknown steady rate the number in a second stretch, given that in a first, is negative binomial
    with seen + 1 successes of probability 1/2 (the predictive distribution under a flat prior).
    """
    successes = seen + 1
    chance = 0.5**successes if successes < 1000 else 0.0
    if not chance:  # the normal approximation for large numbers
        return int(successes + 3.1 * (2 * successes) ** 0.5) + 1
    count, rest = 0, 1.0 - chance
    while rest > SURPRISE and count < 100 * successes:
        count += 1
        chance *= 0.5 * (successes + count - 1) / count
        rest -= chance
    return count


def _is_about(answer: Answer, symptom: Symptom) -> bool:
    if answer.scope == "incident":
        return answer.fingerprint == symptom.fingerprint
    if answer.scope == "template":
        return bool(answer.template) and any(
            same_line(answer.template, text) for text in (symptom.template, symptom.known) if text is not None
        )
    return answer.kind == symptom.kind


def _is_about_logs(answer: Answer, fingerprint: str, symptom: Mapping[str, Any]) -> bool:
    if answer.scope == "incident":
        return answer.fingerprint == fingerprint
    if answer.scope == "template":
        return bool(answer.template) and same_line(str(answer.template), symptom["template"])
    return bool(answer.kind == symptom["kind"])


def same_line(one: str, other: str) -> bool:
    """Whether two templates differ in nothing but blanks and letter case."""
    return _BLANKS.sub(" ", one).strip().casefold() == _BLANKS.sub(" ", other).strip().casefold()


def _holds_at(answer: Answer, record: Mapping[str, Any]) -> bool:
    """Whether the answer still holds when the session began; without a clock, now."""
    if answer.until is None:
        return True
    start = record["start"]
    moment = datetime.fromisoformat(start) if start else datetime.now(UTC)
    return moment < datetime.fromisoformat(answer.until)
