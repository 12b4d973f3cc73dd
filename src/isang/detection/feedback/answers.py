"""Answers to incidents: a user's verdict, its scope, and how long it holds."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from isang.detection.causes.symptoms import KINDS, lead, moment, symptoms_of
from isang.json_files import items, maybe, number, one_of, record, text, wrong

SCHEMA = 1
Verdict = Literal["normal", "anomaly", "acknowledged"]
Scope = Literal["incident", "template", "detector"]
VERDICTS = ("normal", "anomaly", "acknowledged")
SCOPES = ("incident", "template", "detector")
MOST_SESSIONS = 1_000
"""Sessions that an answer names; they are labels for training and evaluation."""
MOST_COMPANIONS = 200
AT_ONCE_SECONDS = 300.0
MOST_TEXT = 2_000


@dataclass(frozen=True)
class Answer:
    """A user's verdict on an incident. It is never changed, but it can be undone."""

    id: str
    verdict: Verdict
    scope: Scope
    fingerprint: str
    """Of the incident's cause."""
    kind: str
    """Kind of reason of that cause, one of `symptoms.KINDS`."""
    template: str
    """Of its line."""
    detector: str
    """Who gave the reason."""
    companions: tuple[str, ...]
    """Fingerprints of what else was wrong with the sessions that are named after this cause."""
    at_once: int
    """The most of its sessions within AT_ONCE_SECONDS; without a clock all of them."""
    sessions: tuple[tuple[str, str | None], ...]
    """(session id, start) of sessions of the incident."""
    title: str
    at: str
    """When it was given, ISO 8601, UTC."""
    until: str | None = None
    """What comes later is not covered; None: for ever."""
    incident: str | None = None
    """`id` of the incident that it was given to."""
    reviewed: tuple[str | None, str | None] | None = None
    """From when to when the sessions began whose result was before the person; None: not known."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as in feedback.jsonl."""
        found = {"schema": SCHEMA, **asdict(self)}
        return found | {
            "companions": list(self.companions),
            "sessions": [{"session_id": name, "start": start} for name, start in self.sessions],
            "reviewed": None if self.reviewed is None else list(self.reviewed),
        }

    def shown(self) -> dict[str, Any]:
        """What an incident says of the answer to it."""
        return {name: getattr(self, name) for name in ("id", "verdict", "scope", "at", "until")}


@dataclass(frozen=True)
class Undo:
    """An answer that no longer holds."""

    id: str
    answer: str
    """Its id."""
    at: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as in feedback.jsonl."""
        return {"schema": SCHEMA, "id": self.id, "undoes": self.answer, "at": self.at}


Entry = Answer | Undo


def answer_to(
    incident: Mapping[str, Any],
    records: Sequence[Mapping[str, Any]],
    verdict: Verdict,
    *,
    scope: Scope = "incident",
    until: datetime | None = None,
    template: str | None = None,
    now: datetime | None = None,
    reviewed: tuple[str | None, str | None] | None = None,
) -> Answer:
    """The answer to an incident of incidents.json, whose anomaly `records` are these.

    `normal` applies to the sessions that are named after this cause, any other verdict to all. `template` selects one
    of
    the incident's lines; None: the one that it is named after. Raises ValueError if it has no such line.
    """
    symptoms = incident["symptoms"]
    cause = next((one for one in symptoms if one["fingerprint"] == incident["fingerprint"]), symptoms[0])
    if template is not None:
        meant = next((one for one in symptoms if one["template"] == template), None)
        if meant is None:
            known = "; ".join(repr(one["template"]) for one in symptoms[:5])
            raise ValueError(f"the incident has no line {template!r}; it has {known}")
        cause = meant
    own = [one for one in records if one["reasons"] and lead(one).fingerprint == cause["fingerprint"]]
    detector, companions = "", dict[str, None]()
    for one in own or records:
        for symptom, reason in symptoms_of(one).items():
            if symptom.fingerprint == cause["fingerprint"]:
                detector = detector or str(reason["detector"])
            elif own:
                companions[symptom.fingerprint] = None
    named = sorted((own if verdict == "normal" else None) or records, key=lambda one: one["start"] or "")
    return Answer(
        id=secrets.token_hex(8), verdict=verdict, scope=scope, fingerprint=cause["fingerprint"], kind=cause["kind"],
        template=cause["template"][:MOST_TEXT], detector=detector, companions=tuple(companions)[:MOST_COMPANIONS],
        at_once=busiest(own or records) or int(incident["sessions"]),
        sessions=tuple((str(one["session_id"]), one["start"]) for one in named[:MOST_SESSIONS]),
        title=str(incident["title"])[:MOST_TEXT], at=_iso(now or datetime.now(UTC)),
        until=None if until is None else _iso(until), incident=incident.get("id"),
        reviewed=reviewed,
    )  # fmt: skip


def busiest(records: Sequence[Mapping[str, Any]]) -> int:
    """The most anomaly records within AT_ONCE_SECONDS; those without a time all at once."""
    seconds = sorted(came.timestamp() for record in records if record["reasons"] and (came := moment(record)))
    first, most = 0, len(records) - len(seconds)
    for place, second in enumerate(seconds):
        while second - seconds[first] > AT_ONCE_SECONDS:
            first += 1
        most = max(most, place - first + 1)
    return most


def undo_of(answer: Answer, now: datetime | None = None) -> Undo:
    """The entry that takes an answer back."""
    return Undo(secrets.token_hex(8), answer.id, _iso(now or datetime.now(UTC)))


def entry_of(value: Any) -> Entry:
    """The entry that a line of feedback.jsonl, or a row of the service's database, holds. Raises ValueError."""
    if isinstance(value, dict) and "undoes" in value:
        _UNDO(value, "")
        return Undo(value["id"], value["undoes"], value["at"])
    _ANSWER(value, "")
    given = {name: value[name] for name in Answer.__dataclass_fields__ if name in value}
    sessions = tuple((one["session_id"], one["start"]) for one in value["sessions"])
    reviewed = None if value.get("reviewed") is None else tuple(value["reviewed"])
    return Answer(**given | {"companions": tuple(value["companions"]), "sessions": sessions, "reviewed": reviewed})


def in_effect(entries: Iterable[Entry]) -> list[Answer]:
    """The answers that were not undone, in the order in which they were given."""
    entries = list(entries)
    undone = {entry.answer for entry in entries if isinstance(entry, Undo)}
    unique = {entry.id: entry for entry in entries if isinstance(entry, Answer) and entry.id not in undone}
    return sorted(unique.values(), key=lambda answer: (answer.at, answer.id))


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def time(value: Any, name: str) -> None:
    """Check of an ISO 8601 time with its distance from UTC."""
    _short(value, name)
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise wrong(name, "a time such as 2026-01-05T09:00:00+00:00", value)


def _short(value: Any, name: str) -> None:
    text(value, name)
    if len(value) > MOST_TEXT:
        raise wrong(name, f"a text of at most {MOST_TEXT} characters", value)


def _few(check: Any, most: int) -> Any:
    def few(value: Any, name: str) -> None:
        items(check)(value, name)
        if len(value) > most:
            raise ValueError(f"{name} must have at most {most} members, has {len(value):,}")

    return few


_UNDO = record({"schema": one_of(SCHEMA), "id": _short, "undoes": _short, "at": time})
_ANSWER = record(
    {
        "schema": one_of(SCHEMA), "id": _short, "verdict": one_of(*VERDICTS), "scope": one_of(*SCOPES),
        "fingerprint": _short, "kind": one_of(*KINDS), "template": _short, "detector": _short,
        "companions": _few(_short, MOST_COMPANIONS), "at_once": number(0, 1e12, whole=True),
        "sessions": _few(record({"session_id": _short, "start": maybe(time)}), MOST_SESSIONS), "title": _short,
        "at": time, "until": maybe(time),
    },
    {"incident": maybe(_short), "reviewed": maybe(items(maybe(time), 2))},
)  # fmt: skip
