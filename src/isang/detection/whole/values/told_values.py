"""New values, and numbers out of their range, as incidents."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.causes.severity import Severity
from isang.detection.causes.symptoms import Symptom
from isang.detection.causes.titles import headline
from isang.detection.incidents import Incident
from isang.detection.whole.entries import SHOWN_CHARACTERS, TOLD, incident_of_logs, reason_of, severity_of
from isang.detection.whole.over_time.volume import moment
from isang.detection.whole.values.new_values import NewValue, new_values
from isang.detection.whole.values.numbers import StrangeNumbers, strange_numbers
from isang.detection.whole.values.series import few_values
from isang.logs.line_counts import WINDOW_SECONDS
from isang.logs.parsing.inferred.levels import ERROR_LEVELS
from isang.logs.places import StoredLogs
from isang.model.folder.log_tables import NUMBERS
from isang.model.wording import says_failure

SHOWN_VALUES = 5
SMALLER = 0.5
"""New values up to this p-value are listed."""
TOGETHER_SECONDS = 30.0
"""New values that first come within this many seconds have one cause."""
SHORTEST_SECONDS = WINDOW_SECONDS[0]
_CODE = re.compile(r"^(?:.*[=:])?[-+]?\d+$")
"""Matches a number, alone or behind a name."""


@dataclass(frozen=True)
class ValuesNoticed:
    """What the values in slots show."""

    told: list[Incident]
    smaller: list[Incident]
    explaining: list[Incident]
    """The incidents of sessions; what is strange in the slots of a line that one is about is a further reason of it."""


def values_noticed(
    model: Model, logs: StoredLogs, series: pl.DataFrame, incidents: Sequence[Incident]
) -> ValuesNoticed:
    """New values and strange numbers of `series`, SERIES_SCHEMA with templates, beside the `incidents` of sessions."""
    strange = strange_numbers(model.of_logs[NUMBERS], series) if NUMBERS in model.of_logs else []
    strange = [one for one in strange if one.p_value <= TOLD]
    numeric = {(one.event, one.slot, one.name) for one in strange}
    values: list[NewValue] = []
    if model.slots is not None:
        found = new_values(_in_numbers_of(logs, model, model.slots), few_values(series))
        values = [one for one in found if (one.event, one.slot, one.name) not in numeric]
    groups = _alike(series, values)
    next_ones = [group for group in groups if all(one.numbered for one in group) and group[0].p_value <= SMALLER]
    made_of_values = [
        (group[0].p_value, _of_value(model, logs, series, group)) for group in groups if group not in next_ones
    ]
    smaller = [made for p_value, made in made_of_values if TOLD < p_value <= SMALLER]
    smaller += [_of_value(model, logs, series, group) for group in next_ones]
    made_of_numbers = [_of_numbers(model, logs, series, group) for group in _at_one_time(series, strange)]
    explaining, told = list(incidents), list[Incident]()
    for made in [*(made for p_value, made in made_of_values if p_value <= TOLD), *made_of_numbers]:
        place = next((place for place, one in enumerate(explaining) if _is_about(one, made)), None)
        if place is None:
            told.append(made)
        else:
            explaining[place] = replace(explaining[place], reasons=(*explaining[place].reasons, *made.reasons))
    return ValuesNoticed(told, smaller, explaining)


def _in_numbers_of(logs: StoredLogs, model: Model, slots: pl.DataFrame) -> pl.DataFrame:
    """The slots of the model with the events that its templates are in these logs."""
    names = slots.join(model.template_table.select("event", "template"), on="event").drop("event")
    here = logs.dataset.templates.select("event", "template").unique("template", keep="first", maintain_order=True)
    return names.join(here, on="template").drop("template")


def _alike(series: pl.DataFrame, values: Sequence[NewValue]) -> list[list[NewValue]]:
    """Group the same new value in several templates, and values that first come together.

    The least likely come first.
    """
    groups: list[tuple[float, list[NewValue]]] = []
    for one in values:
        row = _row(series, one)
        first = float(row["at"][row["texts"].index(one.value)])
        same = (own for at, own in groups if own[0].value == one.value or abs(at - first) <= TOGETHER_SECONDS)
        near = next(same, None)
        if near is None:
            groups.append((first, [one]))
        else:
            near.append(one)
    return [own for _, own in groups]


def _of_value(model: Model, logs: StoredLogs, series: pl.DataFrame, group: Sequence[NewValue]) -> Incident:
    found = group[0]
    template, level = _template(logs, found.event)
    score = -float(np.log10(max(found.p_value, 1e-300)))
    name = found.shown_name or headline(template)
    more = f" (and {len(group) - 1:,} more kinds of lines)" if len(group) > 1 else ""
    more_ko = f" (다른 줄 {len(group) - 1:,}종에도)" if len(group) > 1 else ""
    reasons, firsts, lasts = [], list[float](), list[float]()
    for one in group[:SHOWN_VALUES]:
        row = _row(series, one)
        places = [place for place, text in enumerate(row["texts"]) if text == one.value]
        reason = reason_of("new_values", one.p_value, one.says, _line(logs, row, places))
        reasons.append(reason | {"value": one.value, "says_ko": one.says_ko})
        firsts, lasts = [*firsts, row["at"][places[0]]], [*lasts, row["at"][places[-1]]]
    return incident_of_logs(
        model, Symptom("value", template, level),
        (f"New value of {name}: {found.says}{more}", f"{name}의 새 값: {found.says_ko}{more_ko}"),
        score, _severity_of_value(found.value, level, score), _span(firsts, lasts),
        sum(one.lines for one in group), tuple(reasons), _sources(reasons),
        of=f"{found.shown_name or found.slot}={found.value}",
    )  # fmt: skip


def _severity_of_value(value: str, level: str | None, score: float) -> Severity:
    """Low for a further name that tells of no failure, such as that of a customer; a new code or state of failure is
    more."""
    loud = level in ERROR_LEVELS
    return severity_of(score, int(loud)) if loud or _CODE.search(value) or says_failure(value) else "low"


def _at_one_time(series: pl.DataFrame, strange: Sequence[StrangeNumbers]) -> list[list[StrangeNumbers]]:
    """Group numbers that are unusual at the same time, the least likely first."""
    groups: list[list[StrangeNumbers]] = []
    for one in strange:
        first, last = _times(series, one)
        near = next((group for group in groups for lead in [_times(series, group[0])] if not (
            first > lead[1] + SHORTEST_SECONDS or last < lead[0] - SHORTEST_SECONDS
        )), None)  # fmt: skip
        if near is None:
            groups.append([one])
        else:
            near.append(one)
    return groups


def _of_numbers(model: Model, logs: StoredLogs, series: pl.DataFrame, group: Sequence[StrangeNumbers]) -> Incident:
    found = group[0]
    template, level = _template(logs, found.event)
    score = -float(np.log10(max(found.p_value, 1e-300)))
    reasons = []
    for one in group[:SHOWN_VALUES]:
        named = _named(logs, one)
        reason = reason_of("numbers", one.p_value, one.says_of(named), _line(logs, _row(series, one), one.places))
        reasons.append(reason | {"says_ko": one.says_ko_of(named)})
    times = [_times(series, one) for one in group]
    more = f" (and {len(group) - 1:,} more)" if len(group) > 1 else ""
    more_ko = f" (외 {len(group) - 1:,}개)" if len(group) > 1 else ""
    named = _named(logs, found)
    return incident_of_logs(
        model, Symptom("value", template, level),
        (f"Out of range: {found.says_of(named)}{more}", f"범위를 벗어남: {found.says_ko_of(named)}{more_ko}"),
        score, severity_of(score, int(level in ERROR_LEVELS)),
        _span([first for first, _ in times], [last for _, last in times]), sum(len(one.places) for one in group),
        tuple(reasons), _sources(reasons), of=f"{found.name or found.slot} out of range",
    )  # fmt: skip


def _is_about(incident: Incident, made: Incident) -> bool:
    """Whether an incident of sessions is, at that time, about the line in which a value is strange."""
    if None in (incident.first_seen, incident.last_seen, made.first_seen, made.last_seen):
        return False
    (first, last), (begun, ended) = (
        tuple(datetime.fromisoformat(str(time)) for time in times)
        for times in ((incident.first_seen, incident.last_seen), (made.first_seen, made.last_seen))
    )
    near = timedelta(seconds=SHORTEST_SECONDS)
    about = {symptom["template"] for symptom in incident.symptoms}
    return begun <= last + near and ended >= first - near and made.symptoms[0]["template"] in about


def _named(logs: StoredLogs, one: StrangeNumbers) -> str:
    template, _ = _template(logs, one.event)
    if one.name:
        return f"`{one.name}` of {headline(template)}"
    return f"the number in {headline(template)}"


def _template(logs: StoredLogs, event: int) -> tuple[str, str | None]:
    row = logs.dataset.templates.filter(pl.col("event") == event).row(0, named=True)
    return str(row["template"]), row["level"]


def _row(series: pl.DataFrame, one: NewValue | StrangeNumbers) -> dict[str, Any]:
    same = [pl.col(name).eq_missing(pl.lit(getattr(one, name))) for name in ("event", "slot", "name")]
    return series.filter(same).row(0, named=True)


def _times(series: pl.DataFrame, one: StrangeNumbers) -> tuple[float, float]:
    """When the strange ones began and ended; NaN without a clock."""
    at = _row(series, one)["at"]
    return float(at[one.places[0]]), float(at[one.places[-1]])


def _span(firsts: Sequence[float], lasts: Sequence[float]) -> tuple[str | None, str | None]:
    if not np.isfinite([*firsts, *lasts]).all():
        return None, None
    return moment(min(firsts)).isoformat(), moment(max(lasts)).isoformat()


def _line(logs: StoredLogs, row: dict[str, Any], places: Sequence[int]) -> dict[str, Any] | None:
    """The first of these lines, from the log."""
    at = row["source_index"][places[0]], row["line"][places[0]]
    text = logs.raw([at]).get(at)
    if text is None:
        return None
    time = row["at"][places[0]]
    template, level = _template(logs, row["event"])
    return {
        "source": logs.sources[at[0]].name, "number": at[1], "position": None,
        "time": moment(time).isoformat() if np.isfinite(time) else None, "level": level,
        "text": text[:SHOWN_CHARACTERS], "template": template,
    }  # fmt: skip


def _sources(reasons: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reason["line"]["source"] for reason in reasons if reason["line"]))
