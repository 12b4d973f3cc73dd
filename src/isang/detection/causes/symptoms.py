"""What an anomaly shows, in terms that no detector, model or restart changes: a kind of reason and a line's text."""

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isang.logs.parsing.inferred.levels import ERROR_LEVELS
from isang.model.wording import loudness_of, says_failure

KINDS = (
    "new",
    "slow",
    "too_many",
    "crowd",
    "missing",
    "out_of_order",
    "unexpected",
    "rare",
    "unlike",
    "value",
    "volume",
)
"""Kinds of reasons, what says most first: a line that was never there before names its cause itself."""
_KIND_OF = {
    "unseen_event": "new",
    "rare_event": "rare",
    "missing_event": "missing",
    "early_end": "missing",
    "companion": "missing",
    "event_counts": "unlike",  # where it names neither missing nor extra lines
    "repeated_event": "too_many",
    "event_order": "out_of_order",
    "context_order": "out_of_order",
    "time_gap": "slow",
    "burst": "crowd",
}
"""By detector; those not named here find a line `unexpected`, or `new` where training had none like it."""
_MARKS = ("(no line)", "(end of the session)", "(a line never seen before)")
"""How reasons name something that is not a line."""
_NO_LETTERS = re.compile(r"[\W\d_]+")


@dataclass(frozen=True)
class Symptom:
    """One thing that is wrong with a session."""

    kind: str
    """One of KINDS."""
    template: str
    """Template of the line that is present or missing; empty if the reason is not a single line."""
    level: str | None = None
    """Of that line, where it is known."""
    failure: bool = False
    """Whether the line reports a failure, by its level or its words."""
    known: str | None = None
    """The template of training that a new wording of the line was taken for; None: the line is what it is."""

    @property
    def fingerprint(self) -> str:
        """Of the kind of reason and the words alone, so the same whatever the slots, numbers, models and restarts.

        A line that a release reworded keeps that of the line that it was taken for.
        """
        words_of = self.known if self.known is not None else self.template
        normalised = _NO_LETTERS.sub(" ", words_of.replace("<*>", " ")).strip().casefold()
        return hashlib.sha256(f"{self.kind}|{normalised}".encode()).hexdigest()[:16]

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What says more sorts lower: new lines, the louder the sooner (see LOUDNESS), then the other kinds."""
        loudness = 0 if self.kind == "missing" else loudness_of(self.template, self.level)
        return self.kind != "new", -loudness, KINDS.index(self.kind)


def symptoms_of(record: Mapping[str, Any]) -> dict[Symptom, Mapping[str, Any]]:
    """Each symptom of an anomaly record once, with the first of the reasons that show it."""
    found: dict[Symptom, Mapping[str, Any]] = {}
    for reason in record["reasons"]:
        for symptom in _symptoms(reason):
            found.setdefault(symptom, reason)
    return found


def lead(record: Mapping[str, Any]) -> Symptom:
    """What an anomaly record is named after: the symptom that says the most, of equals the one that came first."""
    found = symptoms_of(record)
    return min(found, key=lambda symptom: (symptom.rank, _time(found[symptom]), symptom.template))


def moment(record: Mapping[str, Any]) -> datetime | None:
    """When the line came that an anomaly record is named after, else when its session began; None without a clock."""
    time = _time(symptoms_of(record)[lead(record)]) or record["start"]
    return datetime.fromisoformat(time) if time else None


def _time(reason: Mapping[str, Any]) -> str:
    return (reason["line"] or {}).get("time") or ""


def _symptoms(reason: Mapping[str, Any]) -> Iterator[Symptom]:
    line = reason["line"]
    kind = _KIND_OF.get(reason["detector"], "new" if line and line.get("never_seen") else "unexpected")
    missing, extra = (
        [item for item in reason.get(name) or () if item["template"] not in _MARKS] for name in ("missing", "extra")
    )
    if missing or extra:
        fewer = max(missing, key=lambda item: _unlikeliness(item, -1), default=None)
        more = max(extra, key=lambda item: _unlikeliness(item, 1), default=None)
        if fewer and more and _unlikeliness(fewer, -1) > _unlikeliness(more, 1):
            more = None  # if windows have the usual number of lines, others have replaced the missing ones
        if fewer:
            yield _symptom("missing", fewer["template"])
        if more:
            yield _symptom("too_many", more["template"], (more.get("line") or {}).get("level"))
        return
    expected = [item["template"] for item in reason.get("expected") or () if item["template"] not in _MARKS]
    if kind == "missing" and expected:
        yield _symptom(kind, expected[0])
        return
    if line is None:
        yield Symptom("unlike", "")
        return
    if reason.get("after_line"):
        kind = "missing"
    yield _symptom(kind, line["template"], line.get("level"), line.get("taken_for"))


def _unlikeliness(item: Mapping[str, Any], sign: int) -> float:
    """How unlikely a number of lines is given the usual number: the deviance of a Poisson count, half a line added."""
    if "usual" not in item:
        return 0.0
    usual = float(item["usual"]) + 0.5
    found = usual + sign * float(item["count"])
    return 2 * (found * math.log(found / usual) - (found - usual))


def _symptom(kind: str, template: str, level: str | None = None, known: str | None = None) -> Symptom:
    failure = kind != "missing" and (level in ERROR_LEVELS or says_failure(template))
    return Symptom(kind, template, level, failure, known)
