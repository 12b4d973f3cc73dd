"""Anomaly records to incidents: episodes with the same leading symptom are of one cause."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.anomalies import Located
from isang.detection.causes.episodes import Episode, episodes_of
from isang.detection.causes.severity import NOISY_EPISODES, Weighed, severity
from isang.detection.causes.symptoms import Symptom, moment, symptoms_of
from isang.detection.causes.titles import IncidentFacts, title
from isang.detection.incidents import Incident, State, ranked
from isang.detection.threshold.stretches import stretch_score

EXAMPLES = 5
"""Number of anomaly records kept per incident: the first one and the most unusual."""
REASONS = 5
"""Symptoms whose reasons an incident shows."""
SYMPTOMS = 20
"""Symptoms that an incident lists."""
RHYTHM = 5
"""An incident is over after a silence of this many times its usual time between two sessions..."""
LEAST_SILENCE_SECONDS = 300.0
"""... and of at least this many seconds."""


@dataclass(frozen=True)
class IncidentBaseline:
    """What incidents are measured by."""

    sessions: int
    """Sessions that were judged, anomalous or not."""
    normal_sessions: int
    """Normal sessions that the model learned from."""
    start: datetime | None = None
    """Of the judged sessions; None without a clock."""
    end: datetime | None = None
    sources: int = 1
    """Logs that were read."""
    stream: str = "logs"
    model: str | None = None
    """Which model judged."""


def surroundings(model: Model, prepared: Located, stream: str = "logs") -> IncidentBaseline:
    """What incidents among the sessions `prepared` are measured by, where `model` judged them."""
    sessions = prepared.dataset.sessions
    facts = model.facts
    return IncidentBaseline(
        sessions=len(sessions),
        normal_sessions=int(facts["period_sessions"]) - int(facts["left_out_as_anomalous"]),
        start=sessions["start"].min(),  # type: ignore[arg-type]
        end=sessions["end"].max(),  # type: ignore[arg-type]
        sources=len(prepared.sources),
        stream=stream,
        model=str(facts["dataset"])[:12],
    )


def incidents_of(records: Sequence[dict[str, Any]], around: IncidentBaseline) -> list[Incident]:
    """The incidents of a finished judgement, the most severe first; each record is given its `incident`.

    Anomalies that stand close in time are one episode, see `episodes_of`; episodes with the same leading symptom are
    one incident.
    """
    seconds = (around.end - around.start).total_seconds() if around.start and around.end else None
    causes: dict[str, list[Episode]] = {}
    for episode in episodes_of(records, seconds):
        causes.setdefault(leading(episode.leads).fingerprint, []).append(episode)
    found = [incident_of(episodes, around) for episodes in causes.values()]
    for fingerprint, episodes in causes.items():
        for record in (record for episode in episodes for record in episode.records):
            record["incident"] = fingerprint
    return ranked(found)


def leading(leads: Counter[Symptom]) -> Symptom:
    """What an incident is named after: of the leading symptoms of its sessions that say most, that of the most."""
    return min(leads, key=lambda symptom: (symptom.rank, -leads[symptom], symptom.template))


def incident_score(p_values: Sequence[float], judged: int) -> float:
    """-log10 of the probability that among `judged` normal sessions this many are as anomalous as these; at least 0.

    See `stretch_score`.
    """
    return stretch_score(np.array(p_values), judged)


def incident_of(episodes: Sequence[Episode], around: IncidentBaseline, sessions: int | None = None) -> Incident:
    """The incident of one or more episodes of one cause; `sessions`: how many, where not all records are held."""
    records = [record for episode in episodes for record in episode.records]
    sessions = len(records) if sessions is None else sessions
    symptoms: Counter[Symptom] = Counter()
    leads: Counter[Symptom] = Counter()
    for episode in episodes:
        symptoms.update(episode.symptoms)
        leads.update(episode.leads)
    shown = _shown(records)
    cause = leading(Counter({symptom: leads[symptom] for symptom in leads if symptom in shown}))
    ordered = sorted(symptoms, key=lambda symptom: (symptom != cause, symptom.rank, -symptoms[symptom]))
    first = min((each.first for each in episodes if each.first), default=None)
    last = max((each.last for each in episodes if each.last), default=None)
    score = incident_score([record["p_value"] for record in records], around.sessions)
    sources = _sources(reason for record in records for reason in record["reasons"])
    named = _sources(shown_by[cause] for record in records if cause in (shown_by := symptoms_of(record)))
    before, of = _before(cause, shown[cause], around)
    told = IncidentFacts(
        cause.kind, cause.template, sessions, first, named if around.sources > 1 else (), before, of
    )  # fmt: skip
    silence = _silence_seconds(records)
    return Incident(
        id=_hash(f"{cause.fingerprint}|{around.stream}|{_iso(first)}"),
        fingerprint=cause.fingerprint,
        stream=around.stream,
        state=_state(last, silence, around.end),
        severity=severity(_weighed(episodes, symptoms, score, len(sources))),
        title=title(told, "en"),
        title_ko=title(told, "ko"),
        score=round(score, 3),
        first_seen=_iso(first),
        last_seen=_iso(last),
        sessions=sessions,
        sources=sources,
        symptoms=tuple(_symptom(symptom, symptoms[symptom]) for symptom in ordered[:SYMPTOMS]),
        reasons=tuple(_distinct([shown[symptom] for symptom in ordered if symptom in shown])[:REASONS]),
        examples=tuple(_examples(records)),
        episodes=tuple(
            {"first_seen": _iso(each.first), "last_seen": _iso(each.last), "sessions": each.leads.total()}
            for each in episodes
        ),
        silence_seconds=silence,
        model=around.model,
    )


def _weighed(episodes: Sequence[Episode], symptoms: Counter[Symptom], score: float, sources: int) -> Weighed:
    records = [record for episode in episodes for record in episode.records]
    scattered = len(episodes) >= NOISY_EPISODES and all(episode.leads.total() <= 2 for episode in episodes)
    return Weighed(
        score,
        any(symptom.failure for symptom in symptoms),
        len(records),
        sources,
        max(episode.seconds for episode in episodes),
        scattered or any(record.get("in_training_period") for record in records),
    )


def _state(last: datetime | None, silence: float | None, until: datetime | None) -> State:
    if last is None or silence is None or until is None:
        return "firing"
    return "firing" if (until - last).total_seconds() <= silence else "resolved"


def _silence_seconds(records: Sequence[Mapping[str, Any]]) -> float | None:
    """How long an incident with these sessions may be silent until it is over; None without a clock."""
    times = sorted(time for record in records if (time := moment(record)))
    if not times:
        return None
    apart = sorted((after - before).total_seconds() for before, after in pairwise(times))
    usual = apart[int(0.9 * (len(apart) - 1))] if apart else 0.0
    return max(LEAST_SILENCE_SECONDS, RHYTHM * usual)


def _shown(records: Sequence[Mapping[str, Any]]) -> dict[Symptom, Mapping[str, Any]]:
    """For each symptom, the reason of the most unusual session with it."""
    shown: dict[Symptom, Mapping[str, Any]] = {}
    for record in sorted(records, key=lambda record: -record["score"]):
        for symptom, reason in symptoms_of(record).items():
            shown.setdefault(symptom, reason)
    return shown


def _distinct(reasons: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One reason for each raw line, so that lines show more of what happened."""
    found: dict[Any, dict[str, Any]] = {}
    for reason in reasons:
        line = reason["line"]
        found.setdefault((line and (line["source"], line["number"]), reason["detector"]), dict(reason))
    return list(found.values())


def _before(cause: Symptom, reason: Mapping[str, Any], around: IncidentBaseline) -> tuple[int, int]:
    """(normal sessions that were like this, of how many): those learned from for a new line, else those held out."""
    if cause.kind == "new":
        return 0, around.normal_sessions
    return int(reason["as_high"]["normal_sessions"]), int(reason["as_high"]["of"])


def _sources(reasons: Iterator[Mapping[str, Any]]) -> tuple[str, ...]:
    """The logs of the lines that reasons name, the busiest first."""
    counts = Counter(reason["line"]["source"] for reason in reasons if reason["line"])
    return tuple(name for name, _ in counts.most_common())


def _examples(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    strangest = sorted(records[1:], key=lambda record: -record["score"])
    return [records[0], *strangest[: EXAMPLES - 1]]


def _symptom(symptom: Symptom, sessions: int) -> dict[str, Any]:
    return {
        "fingerprint": symptom.fingerprint,
        "kind": symptom.kind,
        "template": symptom.template,
        "level": symptom.level,
        "sessions": sessions,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
