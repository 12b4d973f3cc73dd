"""New values and changed rates as incidents: what logs show that no session shows by itself."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.anomalies import Located
from isang.detection.causes.severity import Severity
from isang.detection.causes.symptoms import Symptom
from isang.detection.causes.titles import headline
from isang.detection.incidents import Incident
from isang.detection.threshold.calibration import fit_tail
from isang.detection.threshold.stretches import LEAST_STRETCHES, SCALE
from isang.detection.whole.new_values import NewValue, new_values
from isang.detection.whole.volume import ALL, ERRORS, WARNINGS, Change, changes, worst_of
from isang.logs.places import StoredLogs
from isang.logs.templates.slots import SLOTS_SCHEMA
from isang.parquet_files import read_table

TOLD = 0.02
"""New values, or changed rates, are told where no more than this share of unchanged logs has as strange ones."""
MOST_SEARCHED = 5_000
"""Lines of a template in which the first one with a new value is sought."""
SHOWN_CHARACTERS = 2_000
SHOWN_CHANGES = 5
_TITLES = {
    "more": ("More than ever: {line}", "평소보다 많음: {line}"),
    "less": ("Fewer than ever: {line}", "평소보다 적음: {line}"),
    "none": ("Silent: {line}", "끊김: {line}"),
}
_SERIES_KO = {ALL: "모든 줄", ERRORS: "ERROR 이상의 줄", WARNINGS: "WARNING 이상의 줄"}


@dataclass(frozen=True)
class Noticed:
    """Incidents of logs as a whole."""

    told: list[Incident]
    smaller: list[Incident]
    """Such as unchanged logs often have."""


def noticed(model: Model, prepared: Located, slots: pl.DataFrame | None) -> Noticed:
    """New values and changed rates in logs; `slots` is what stands in their slots, None: not looked at."""
    values: list[NewValue] = []
    if model.slots is not None and slots is not None:
        values = new_values(_in_numbers_of(prepared, model, model.slots), slots)
    told = [_of_value(model, prepared, one) for one in values if one.p_value <= TOLD]
    smaller = [_of_value(model, prepared, one) for one in values if TOLD < one.p_value <= 0.5]
    told += _of_changes(model, prepared)
    return Noticed(told, smaller)


def slots_in(logs: StoredLogs) -> pl.DataFrame | None:
    """What stands in the slots of logs; None where their dataset does not say."""
    file = logs.folder / "slots.parquet"
    return read_table(file, dict(SLOTS_SCHEMA), "prepare the logs again") if file.is_file() else None


def _in_numbers_of(prepared: Located, model: Model, slots: pl.DataFrame) -> pl.DataFrame:
    """The slots of the model with the events that its templates are in these logs."""
    names = slots.join(model.template_table.select("event", "template"), on="event").drop("event")
    here = prepared.dataset.templates.select("event", "template").unique("template", keep="first", maintain_order=True)
    return names.join(here, on="template").drop("template")


def _of_value(model: Model, prepared: Located, found: NewValue) -> Incident:
    template, level = _template(prepared, found.event)
    line = _first_with(prepared, found)
    score = -float(np.log10(max(found.p_value, 1e-300)))
    name = found.name or headline(template)
    failing = Symptom("value", template, level)
    reason = _reason("new_values", found.p_value, found.says, line) | {"value": found.value, "says_ko": found.says_ko}
    return _incident(
        model, failing, (f"New value of {name}: {found.says}", f"{name}의 새 값: {found.says_ko}"),
        score, _severity(score, int(level in ("ERROR", "FATAL", "CRITICAL"))), (None, None), found.lines, (reason,),
        () if line is None else (line["source"],),
    )  # fmt: skip


def _of_changes(model: Model, prepared: Located) -> list[Incident]:
    """The series that changed more than normal stretches do, those of one time as one incident."""
    if model.volume is None:
        return []
    found, windows = changes(model.volume, prepared.dataset, model.vocabulary)
    worst_W = worst_of(model.volume)
    length = min(windows, len(worst_W) // LEAST_STRETCHES)
    if not found or length < 1:
        return []
    number = len(worst_W) // length
    tail = fit_tail(np.array([part.max() for part in np.array_split(worst_W, number)]), SCALE)
    parts = -(-windows // length)
    p_values = [parts * float(tail.p_values(np.array([change.score]))[0]) for change in found]
    groups: list[list[tuple[Change, float]]] = []
    for change, p_value in zip(found, p_values, strict=True):
        if p_value > TOLD:
            continue
        near = next((g for g in groups if change.first <= g[0][0].last and g[0][0].first <= change.last), None)
        if near is None:
            groups.append([(change, p_value)])
        else:
            near.append((change, p_value))
    return [_of_group(model, group) for group in groups]


def _of_group(model: Model, group: Sequence[tuple[Change, float]]) -> Incident:
    lead, p_value = group[0]
    score = -float(np.log10(max(p_value, 1e-300)))
    english, korean = _TITLES[lead.kind]
    named_ko = _SERIES_KO.get(lead.series) or headline(lead.series)
    span = f"{lead.first:%H:%M} to {lead.last:%H:%M}"
    title = f"{english.format(line=headline(lead.series))}, {span}; {_numbers(lead)}"
    title_ko = f"{korean.format(line=named_ko)}, {lead.first:%H:%M}~{lead.last:%H:%M}; {_numbers_ko(lead)}"
    reasons = tuple(
        _reason("volume", p, f"{change.series}: {_numbers(change)}.", None) for change, p in group[:SHOWN_CHANGES]
    )
    first, last = min(change.first for change, _ in group), max(change.last for change, _ in group)
    failing = Symptom("volume", f"{lead.kind} {lead.series}")
    loud = int(lead.series == ERRORS and lead.kind == "more")
    return _incident(
        model, failing, (title, title_ko), score, _severity(score, loud), (first.isoformat(), last.isoformat()),
        lead.lines, reasons, (),
    )  # fmt: skip


def _numbers(change: Change) -> str:
    extreme = "most" if change.kind == "more" else "fewest"
    return (
        f"{change.lines:,} lines in {_span(change.window_seconds)}, usually {change.usual:,.0f}, {extreme} in training "
        f"{change.extreme:,}"
    )


def _numbers_ko(change: Change) -> str:
    extreme = "최대" if change.kind == "more" else "최소"
    return (
        f"{_span(change.window_seconds)} 동안 {change.lines:,}줄, 평소 {change.usual:,.0f}줄, 학습 기간 {extreme} "
        f"{change.extreme:,}줄"
    )


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _severity(score: float, loud: int) -> Severity:
    """One step for what is rarer than one in a hundred, one for lines at ERROR."""
    order: tuple[Severity, ...] = ("low", "medium", "high")
    return order[(score >= 2) + loud]


def _template(prepared: Located, event: int) -> tuple[str, str | None]:
    row = prepared.dataset.templates.filter(pl.col("event") == event).row(0, named=True)
    return str(row["template"]), row["level"]


def _first_with(prepared: Located, found: NewValue) -> dict[str, Any] | None:
    """The first of the template's lines that has the value."""
    sessions = prepared.dataset.sessions["events"]
    rows = np.flatnonzero(sessions.list.contains(found.event).to_numpy())[:MOST_SEARCHED]
    lines = sessions.gather(rows).to_frame().with_columns(prepared.places(rows))
    own = lines.explode("events", "source_index", "line").filter(pl.col("events") == found.event)
    places = own.select("source_index", "line").unique(maintain_order=True).head(MOST_SEARCHED).rows()
    raw = prepared.raw(places)
    for place in sorted(places):
        if found.value in raw.get(place, ""):
            return {
                "source": prepared.sources[place[0]].name, "number": place[1], "position": None, "time": None,
                "level": None, "text": raw[place][:SHOWN_CHARACTERS], "template": _template(prepared, found.event)[0],
            }  # fmt: skip
    return None


def _reason(detector: str, p_value: float, says: str, line: dict[str, Any] | None) -> dict[str, Any]:
    return {"detector": detector, "p_value": p_value, "says": says, "line": line, "after_line": False}


def _incident(
    model: Model,
    symptom: Symptom,
    titles: tuple[str, str],
    score: float,
    severity: Severity,
    times: tuple[str | None, str | None],
    lines: int,
    reasons: tuple[dict[str, Any], ...],
    sources: tuple[str, ...],
) -> Incident:
    return Incident(
        id=hashlib.sha256(f"{symptom.fingerprint}|{times[0]}".encode()).hexdigest()[:16],
        fingerprint=symptom.fingerprint, stream="logs", state="firing", severity=severity, title=titles[0],
        title_ko=titles[1], score=round(score, 3), first_seen=times[0], last_seen=times[1], sessions=lines,
        sources=sources,
        symptoms=(
            {
                "fingerprint": symptom.fingerprint, "kind": symptom.kind, "template": symptom.template,
                "level": symptom.level, "sessions": lines,
            },
        ),
        reasons=reasons, examples=(), episodes=(), model=str(model.facts["dataset"])[:12],
    )  # fmt: skip
