"""Incidents: anomalies grouped by cause and reported as one."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from html import escape
from typing import Any, Literal

from isang.detection.causes.severity import SEVERITIES, Severity
from isang.detection.causes.titles import Language
from isang.formatting import printable
from isang.html import raw_html

SCHEMA = 1
State = Literal["firing", "resolved", "expired"]


@dataclass(frozen=True)
class Incident:
    """Anomalies of one cause."""

    id: str
    """Of this occurrence: of fingerprint, stream and beginning."""
    fingerprint: str
    """Of the cause: the same after a restart and with another model. An answer to one incident speaks of this."""
    stream: str
    state: State
    severity: Severity
    title: str
    title_ko: str
    score: float
    """-log10 of its p-value: the evidence that this many equally anomalous sessions are not normal ones by chance."""
    first_seen: str | None
    """ISO 8601, UTC; None without a clock."""
    last_seen: str | None
    sessions: int
    sources: tuple[str, ...]
    """The logs in which its lines stand, the busiest first."""
    symptoms: tuple[dict[str, Any], ...]
    """`fingerprint`, `kind`, `template`, `level`, `sessions` of each symptom, the most informative first."""
    reasons: tuple[dict[str, Any], ...]
    """Why: for each of the first symptoms the reason of one of its sessions."""
    examples: tuple[dict[str, Any], ...] = field(repr=False)
    """Anomaly records with their raw lines."""
    episodes: tuple[dict[str, Any], ...] = field(repr=False)
    """`first_seen`, `last_seen`, `sessions` of each episode."""
    silence_seconds: float | None = None
    """Silence after which it is resolved; None without timestamps."""
    model: str | None = None
    feedback: dict[str, Any] | None = None
    """The last answer to this cause: `id`, `verdict`, `scope`, `at`, `until`; for an incident that is reported although
    its
    cause was called normal also `covers_sessions`, the number of sessions at one time up to which the answer holds."""
    silenced_by: str | None = None
    """The id of the answer that silences it."""
    counts: Literal["sessions", "lines"] = "sessions"
    """What `sessions` is the number of."""

    def __repr__(self) -> str:
        return f"<Incident {self.fingerprint} {self.severity}: {self.title}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as in incidents.json."""
        found = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}

    def title_in(self, language: Language) -> str:
        """The title in English or Korean."""
        return self.title_ko if language == "ko" else self.title

    def _repr_html_(self) -> str:
        lines = [reason["line"] for reason in self.reasons if reason.get("line")]
        shown = dict.fromkeys(f"{line['source']}:{line['number']}: {line['text']}" for line in lines)
        head = escape(printable(f"{self.severity} · {self.title}"))
        return f"<div><strong>{head}</strong>{raw_html(shown)}</div>"


def ranked(incidents: Sequence[Incident]) -> list[Incident]:
    """The most severe first, of equals the least likely by chance."""
    return sorted(incidents, key=lambda incident: (-SEVERITIES.index(incident.severity), -incident.score))


def document(incidents: Sequence[Incident], **beside: Any) -> dict[str, Any]:
    """The content of incidents.json, with what else a result says of the logs."""
    return {"schema": SCHEMA, "incidents": [incident.to_dict() for incident in incidents], **beside}
