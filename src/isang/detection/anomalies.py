"""Anomalies as records: for programs as JSON, for people as text, with the raw lines behind each reason."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Protocol

import polars as pl

from isang.artifact import Model
from isang.detection.detectors import detectors_of
from isang.detection.detectors.contract import Reason
from isang.detection.explain import explain, speaking
from isang.detection.threshold.decisions import Judged
from isang.files import to_json
from isang.logs.input.sources import Source
from isang.logs.store import Dataset, Rows
from isang.model.vocabulary import MARKS

SCHEMA = 1
SHOWN_CHARACTERS = 2_000
"""A raw record longer than this is cut in the output."""


class Located(Protocol):
    """Sessions whose events can be found in the logs again: `StoredLogs`, or `EndedSessions` of growing logs."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def sources(self) -> list[Source]: ...
    def places(self, rows: Rows) -> pl.DataFrame:
        """`source_index` list and `line` list of the sessions `rows`, in their order, parallel to their events."""
        ...

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The whole texts of the records that begin at (source_index, line), as far as they can be read again."""
        ...


def records(model: Model, prepared: Located, judged: Judged) -> list[dict[str, Any]]:
    """One record per anomalous session, the most unusual first."""
    flagged = [index for index, decision in enumerate(judged.decisions) if decision.anomalous]
    flagged.sort(key=lambda index: -judged.decisions[index].score)
    events = prepared.dataset.sessions["events"]
    reasons = _explained(model, judged, flagged, events)
    positions = {index: {place for reason in reasons[index] for place in _positions(reason)} for index in flagged}
    at = prepared.places(judged.rows[flagged]).iter_rows()
    places = {
        index: {place: (logs[place], lines[place]) for place in sorted(positions[index])}
        for index, (logs, lines) in zip(flagged, at, strict=True)
    }
    raw = prepared.raw({place for each in places.values() for place in each.values()})
    templates = {event: (text, level) for event, text, level, _ in prepared.dataset.templates.iter_rows()}
    found = []
    for index in flagged:
        of_session, times = events[int(judged.rows[index])], moments_of(prepared.dataset, int(judged.rows[index]))
        lines = {
            position: line_of(
                prepared,
                place,
                position,
                raw.get(place, ""),
                times[position],
                *templates.get(of_session[position], ("", None)),
            )
            for position, place in places[index].items()
        }
        for position, line in lines.items():
            known = _taken_for(model, judged, index, position)
            if known is None:
                line["never_seen"] = True
            elif known != line["template"]:
                line["taken_for"] = known
        record = _record(model, prepared, judged, index)
        found.append(record | {"reasons": [_reason(reason, lines) for reason in reasons[index]]})
    return found


def _taken_for(model: Model, judged: Judged, index: int, position: int) -> str | None:
    """The template that a line was judged as, None where it was judged as one never seen."""
    token = int(judged.sessions[index][1 + position])
    return None if token < len(MARKS) else model.vocabulary.name(token)


def _explained(model: Model, judged: Judged, flagged: list[int], events: pl.Series) -> dict[int, list[Reason]]:
    """The reasons for the sessions `flagged`; of sessions with equal events and times one is asked about."""
    asked: dict[tuple[tuple[int, ...], bytes], list[Reason]] = {}
    reasons = {}
    for index in flagged:
        of_session = events[int(judged.rows[index])].to_list()
        same = tuple(of_session), _times(judged, index) if _speaks_of_times(model, judged, index) else b""
        if same not in asked:
            asked[same] = explain(model, judged, index, of_session, model.config.detection.reasons)
        reasons[index] = asked[same]
    return reasons


def _times(judged: Judged, index: int) -> bytes:
    """Everything that depends on times: a session's gaps, and the detectors' results for them."""
    start, end = judged.sessions.offsets[index : index + 2]
    return judged.timed.gaps_T[start:end].tobytes() + judged.scores_DS[:, index].tobytes()


def _speaks_of_times(model: Model, judged: Judged, index: int) -> bool:
    detectors = detectors_of(model)
    return any(detectors[number].timed for number in speaking(model, judged, index))


def _record(model: Model, prepared: Located, judged: Judged, index: int) -> dict[str, Any]:
    session = prepared.dataset.sessions.row(int(judged.rows[index]), named=True)
    decision = judged.decisions[index]
    return {
        "schema": SCHEMA,
        "session_id": session["session_id"],
        "source": session["source"],
        "start": _iso(session["start"]),
        "end": _iso(session["end"]),
        "events": len(session["events"]),
        "may_go_on": bool(judged.unfinished_S[index]),
        "in_training_period": _in_training_period(model, session["start"]),
        "score": decision.score,
        "threshold": decision.threshold,
        "p_value": decision.p_value,
        "detectors": [
            {"name": detector.name, "score": float(score), "unit": detector.unit, "p_value": float(p_value)}
            for detector, score, p_value in zip(
                detectors_of(model), judged.scores_DS[:, index], judged.p_values_DS[:, index], strict=True
            )
        ],
    }


def _reason(reason: Reason, lines: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """A reason with the raw lines that it names; for too many lines of a template, the last of them."""
    detail = dict(reason.detail)
    if "extra" in detail:
        detail["extra"] = [
            {name: value for name, value in item.items() if name != "position"} | {"line": lines[item["position"]]}
            for item in detail["extra"]
        ]
    return {
        "detector": reason.detector,
        "p_value": reason.p_value,
        "as_high": {"normal_sessions": reason.as_high, "of": reason.held_out},
        "says": reason.says,
        **({"says_ko": reason.says_ko} if reason.says_ko else {}),
        "line": None if reason.position is None else lines[reason.position],
        "after_line": reason.after,
        **({} if reason.since is None else {"since": lines[reason.since]}),
        **detail,
    }


def _positions(reason: Reason) -> list[int]:
    own = [place for place in (reason.position, reason.since) if place is not None]
    return own + [item["position"] for item in reason.detail.get("extra", ())]


def moments_of(dataset: Dataset, row: int) -> list[datetime | None]:
    """When each event of a session came, as far as there is a clock."""
    start, gaps_ms = (dataset.sessions[name][row] for name in ("start", "gaps_ms"))
    if start is None or gaps_ms is None:
        return [None] * len(dataset.sessions["events"][row])
    return [start + timedelta(milliseconds=since) for since in accumulate(gaps_ms.to_list())]


def line_of(
    prepared: Located,
    place: tuple[int, int],
    position: int,
    text: str,
    time: datetime | None,
    template: str,
    level: str | None,
) -> dict[str, Any]:
    """A line as JSON: its place in the logs (`source`, `number`) and in its session (`position`), and its text.

    The template replaces a text that can no longer be read.
    """
    return {
        "source": prepared.sources[place[0]].name,
        "number": place[1],
        "position": position,
        "time": _iso(time),
        "level": level,
        "text": (text or template)[:SHOWN_CHARACTERS],
        "template": template,
    }


class Groups:
    """Anomalies with the same reasons, apart from their numbers, are one group; groups are counted from 1."""

    def __init__(self, sizes: Mapping[str, int] | None = None, new: Collection[str] = ()) -> None:
        self._new = frozenset(new)
        self.sizes = dict(sizes or {})
        """Number of anomalies in each group so far, by what they have in common, in the order of the groups."""
        self._numbers = {likeness: number for number, likeness in enumerate(self.sizes, 1)}

    def join(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with the number of its group and the size that the group has now."""
        likeness = _likeness(record, self._new)
        number = self._numbers.setdefault(likeness, len(self._numbers) + 1)
        self.sizes[likeness] = self.sizes.get(likeness, 0) + 1
        return record | {"group": number, "group_size": self.sizes[likeness]}


def grouped(found: list[dict[str, Any]], new: Collection[str] = ()) -> list[dict[str, Any]]:
    """All records with their groups and the final sizes of these.

    The sessions with one of the templates `new`, of one cause, are one group, unless other new lines distinguish them.
    """
    groups = Groups(new=new)
    joined = [groups.join(record) for record in found]
    sizes = list(groups.sizes.values())
    return [record | {"group_size": sizes[record["group"] - 1]} for record in joined]


def _likeness(record: dict[str, Any], new: Collection[str]) -> str:
    unseen = {reason["line"]["template"] for reason in record["reasons"] if reason["detector"] == "unseen_event"}
    if unseen & set(new):
        return to_json(["new lines", *sorted(unseen - set(new))], indent=None).strip()
    parts = [
        (
            reason["detector"],
            None if reason["line"] is None else reason["line"]["template"],
            *(item["template"] for item in (*reason.get("missing", ()), *reason.get("extra", ()))),
        )
        for reason in record["reasons"]
    ]
    return to_json(parts, indent=None).strip()


def _in_training_period(model: Model, start: datetime | None) -> bool:
    first, last = model.facts["trained_from"], model.facts["trained_until"]
    if start is None or first is None:
        return False
    return datetime.fromisoformat(first) <= start <= datetime.fromisoformat(last)


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
