"""The parts of an incident of a log as a whole."""

import hashlib
from typing import Any, Literal

from isang.artifact import Model
from isang.detection.causes.severity import Severity
from isang.detection.causes.symptoms import Symptom
from isang.detection.incidents import Incident

SHOWN_CHARACTERS = 2_000
TOLD = 0.02
"""New values, unusual numbers, changed rates and silences are reported if at most this share of unchanged logs has
equally unusual ones."""


def severity_of(score: float, loud: int) -> Severity:
    """One step for what is rarer than one in a hundred, one for lines at ERROR."""
    order: tuple[Severity, ...] = ("low", "medium", "high")
    return order[(score >= 2) + loud]


def reason_of(detector: str, p_value: float, says: str, line: dict[str, Any] | None) -> dict[str, Any]:
    return {"detector": detector, "p_value": p_value, "says": says, "line": line, "after_line": False}


def incident_of_logs(
    model: Model,
    symptom: Symptom,
    titles: tuple[str, str],
    score: float,
    severity: Severity,
    times: tuple[str | None, str | None],
    lines: int,
    reasons: tuple[dict[str, Any], ...],
    sources: tuple[str, ...],
    of: str = "",
    counts: Literal["sessions", "lines"] = "lines",
) -> Incident:
    """An incident whose fingerprint is that of its symptom, and `of` which slot and value, where it is about one."""
    fingerprint = symptom.fingerprint
    if of:
        fingerprint = hashlib.sha256(f"{fingerprint}|{of}".encode()).hexdigest()[:16]
    return Incident(
        id=hashlib.sha256(f"{fingerprint}|{times[0]}".encode()).hexdigest()[:16],
        fingerprint=fingerprint, stream="logs", state="firing", severity=severity, title=titles[0],
        title_ko=titles[1], score=round(score, 3), first_seen=times[0], last_seen=times[1], sessions=lines,
        sources=sources,
        symptoms=(
            {
                "fingerprint": fingerprint, "kind": symptom.kind, "template": symptom.template,
                "level": symptom.level, "sessions": lines,
            },
        ),
        reasons=reasons, examples=(), episodes=(), model=str(model.facts["dataset"])[:12], counts=counts,
    )  # fmt: skip
