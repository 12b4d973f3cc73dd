"""What an answer would do, before it is accepted: which incidents it would silence, and which like ones not."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from isang.detection.feedback.answers import Answer
from isang.detection.feedback.coverage import Answers, same_line
from isang.detection.feedback.silencing import silenced_by

MOST_SHOWN = 20


def effect_of(
    answer: Answer,
    before: Iterable[Answer],
    incidents: Sequence[Mapping[str, Any]],
    records: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """What of the `incidents` and their anomaly `records` the answer would silence, given those `before` it.

    `would_silence`: the incidents all of whose sessions it covers; `would_not`: those of which it covers some, or that
    share the line or the kind of reason. Sessions that are silenced already are in neither.
    """
    without, alone = Answers(before), Answers([*before, answer])
    covered: dict[str, int] = {}
    left: dict[str, int] = {}
    for record in records:
        if not record["reasons"] or silenced_by(record, without) is not None:
            continue
        counts = covered if silenced_by(record, alone) is not None else left
        counts[record["incident"]] = counts.get(record["incident"], 0) + 1
    silenced, like = [], []
    for incident in incidents:
        fingerprint = incident["fingerprint"]
        if covered.get(fingerprint) and not left.get(fingerprint):
            silenced.append(_shown(incident, covered[fingerprint]))
        elif left.get(fingerprint) and (covered.get(fingerprint) or _is_like(answer, incident)):
            like.append(_shown(incident, left[fingerprint]) | {"silenced_sessions": covered.get(fingerprint, 0)})
    return {
        "sessions": sum(covered.values()),
        "would_silence": silenced[:MOST_SHOWN],
        "would_not": like[:MOST_SHOWN],
        "others": len([1 for incident in incidents if left.get(incident["fingerprint"])]) - len(like),
        "most_sessions": alone.most_sessions(answer) if answer.verdict == "normal" else None,
    }


def _is_like(answer: Answer, incident: Mapping[str, Any]) -> bool:
    return any(
        same_line(symptom["template"], answer.template) or symptom["kind"] == answer.kind
        for symptom in incident["symptoms"][:1]
    )


def _shown(incident: Mapping[str, Any], sessions: int) -> dict[str, Any]:
    names = ("id", "fingerprint", "title", "title_ko", "severity", "first_seen", "last_seen")
    return {name: incident.get(name) for name in names} | {"sessions": sessions}
