"""What an answer would do, before it is accepted: which incidents it would silence, and which like ones not."""

from collections.abc import Iterable, Mapping
from typing import Any

from isang.detection.feedback.answers import Answer
from isang.detection.feedback.coverage import Answers, same_line
from isang.detection.feedback.silencing import is_of_logs, silenced_by

MOST_SHOWN = 20


def effect_of(
    answer: Answer,
    before: Iterable[Answer],
    came: Iterable[tuple[Mapping[str, Any], Iterable[Mapping[str, Any]]]],
) -> dict[str, Any]:
    """What of the incidents that `came`, each with its anomaly records, the answer would silence beside those `before`.

    `would_silence`: the incidents all of whose sessions it covers, and those of logs as a whole that it covers;
    `would_not`: those of which it covers some, or that share the line or the kind of reason. Sessions that are silenced
    already are in neither.
    """
    without, alone = Answers(before), Answers([*before, answer])
    silenced, like, sessions, others = [], [], 0, 0
    for incident, records in came:
        if is_of_logs(incident):
            if without.of_logs(incident) is None and alone.of_logs(incident) is not None:
                silenced.append(_shown(incident, 0))
            continue
        told = [one for one in records if one["reasons"] and silenced_by(one, without) is None]
        covered = sum(silenced_by(one, alone) is not None for one in told)
        left, sessions = len(told) - covered, sessions + covered
        if covered and not left:
            silenced.append(_shown(incident, covered))
        elif left and (covered or _is_like(answer, incident)):
            like.append(_shown(incident, left) | {"silenced_sessions": covered})
        else:
            others += bool(left)
    return {
        "sessions": sessions,
        "would_silence": silenced[:MOST_SHOWN],
        "would_not": like[:MOST_SHOWN],
        "others": others,
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
