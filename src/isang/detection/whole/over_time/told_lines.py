"""Lines over time as incidents: changed rates, silences, and new kinds of lines outside of sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.causes.quiet import quiet_once
from isang.detection.causes.severity import SEVERITIES
from isang.detection.causes.symptoms import Symptom
from isang.detection.causes.titles import headline
from isang.detection.incidents import Incident
from isang.detection.threshold.calibration import fit_tail
from isang.detection.threshold.stretches import LEAST_STRETCHES, SCALE, UNUSUAL
from isang.detection.whole.entries import SHOWN_CHARACTERS, TOLD, incident_of_logs, reason_of, severity_of
from isang.detection.whole.over_time.explained import LineChange, explains, lines_by_incident
from isang.detection.whole.over_time.known_lines import Silence, silences
from isang.detection.whole.over_time.lines import ALL, ERRORS, OF_LOG, WARNINGS, Lines, lines_of
from isang.detection.whole.over_time.outside import NewLine, new_outside
from isang.detection.whole.over_time.told_new import SHOWN_KINDS, incident_of_new, together
from isang.detection.whole.over_time.volume import RateChange, changes, worst_of
from isang.detection.whole.values.value_lines import lines_by_value
from isang.logs.line_counts import WINDOW_SECONDS, read_line_counts
from isang.logs.places import StoredLogs
from isang.model.folder.log_tables import VALUE_LINES
from isang.model.wording import LOUDNESS

SHOWN_CHANGES = 5
MUCH = 0.3
"""A kind of line with this share of the lines that are too many is what an incident is named after."""
SHORTEST_SECONDS = WINDOW_SECONDS[0]
_TITLES = {
    "more": ("More than ever: {line}", "평소보다 많음: {line}"),
    "less": ("Fewer than ever: {line}", "평소보다 적음: {line}"),
    "none": ("Silent: {line}", "끊김: {line}"),
}
_OF_SURGES = ("crowd", "too_many", "slow")
"""Kinds of symptoms that sessions have because there are more of them than ever."""
_SERIES_KO = {ALL: "모든 줄", ERRORS: "ERROR 이상의 줄", WARNINGS: "WARNING 이상의 줄"}


@dataclass(frozen=True)
class LinesNoticed:
    """What lines over time show."""

    told: list[Incident]
    smaller: list[Incident]
    """Such as unchanged logs have too."""
    explaining: list[Incident]
    """The incidents of sessions; what one explains is a further reason of it, and no incident of its own."""
    never_seen: list[dict[str, Any]]
    """New kinds of lines outside of sessions, as in `never_seen` of a result."""


def lines_in(model: Model, logs: StoredLogs) -> Lines:
    """All lines of logs that have a time."""
    return lines_of(logs.dataset, model.vocabulary, read_line_counts(logs.folder))


def lines_noticed(
    model: Model,
    logs: StoredLogs,
    lines: Lines,
    series: pl.DataFrame | None,
    incidents: Sequence[Incident],
    records: Sequence[Mapping[str, Any]],
) -> LinesNoticed:
    """Changed rates, silences and new kinds of lines, besides the `incidents` of the anomalous sessions `records`.

    `series`: the slot values, SERIES_SCHEMA with the `template` of each event.

    What an incident explains becomes a further reason of it, not a separate incident.
    """
    counts = read_line_counts(logs.folder)
    new = [] if counts is None else new_outside(model, logs.dataset, counts, lines)
    groups = together(new)
    lines_new = [group for group in groups if group[0].p_value <= UNUSUAL]
    incidents, lines_new = _with_new_lines(model, logs, incidents, lines_new)
    told = [_of_new(model, logs, group) for group in lines_new]
    smaller = [one for one in told if quiet_once(one)]
    lines_new = [group for group, one in zip(lines_new, told, strict=True) if not quiet_once(one)]
    told = [one for one in told if not quiet_once(one)]
    smaller += [_of_new(model, logs, group) for group in groups if group[0].p_value > UNUSUAL]
    explaining, left = [*incidents, *told], list[list[LineChange]]()
    unlike, with_load = _changed(model, lines)
    changed = at_one_time([*unlike, *_silent(model, lines, series)])
    by_cause = lines_by_incident(model, logs, records) if changed else {}
    own = [by_cause.get(one.fingerprint) for one in incidents]
    own += [lines.only(np.isin(lines.event_C, [one.event for one in group])) for group in lines_new]
    for group in changed:
        place = next((place for place, one in enumerate(explaining) if explains(one, own[place], group)), None)
        if place is None:
            left.append(group)
        else:
            explaining[place] = _with_reasons(explaining[place], group)
    told = [*explaining[len(incidents) :], *(incident_of_changes(model, group) for group in left)]
    smaller += [incident_of_changes(model, group) for group in at_one_time(with_load)]
    return LinesNoticed(told, smaller, explaining[: len(incidents)], [_listed(logs, one) for one in new])


def _with_new_lines(
    model: Model, logs: StoredLogs, incidents: Sequence[Incident], groups: Sequence[list[NewLine]]
) -> tuple[list[Incident], list[list[NewLine]]]:
    """The incidents with the new kinds of lines that first came while they went on, and the groups that are left.

    The lines become reasons, and an incident is as severe as they are. Their times are known to a window.
    """
    found, left = list(incidents), []
    for group in groups:
        made = _of_new(model, logs, group)
        place = next((place for place, one in enumerate(found) if _begins_within(made, one)), None)
        if place is None:
            left.append(group)
            continue
        own = found[place]
        found[place] = replace(
            own, reasons=(*own.reasons, *made.reasons), symptoms=(*own.symptoms, *made.symptoms),
            sources=tuple(dict.fromkeys((*own.sources, *made.sources))),
            severity=max(own.severity, made.severity, key=SEVERITIES.index),
        )  # fmt: skip
    return found, left


def _begins_within(made: Incident, incident: Incident) -> bool:
    """Whether new kinds of lines first came while an incident went on, or in the window before."""
    if made.first_seen is None or incident.first_seen is None or incident.last_seen is None:
        return False
    first, last = datetime.fromisoformat(incident.first_seen), datetime.fromisoformat(incident.last_seen)
    return first - timedelta(seconds=SHORTEST_SECONDS) <= datetime.fromisoformat(made.first_seen) <= last


def _of_new(model: Model, logs: StoredLogs, group: Sequence[NewLine]) -> Incident:
    raw = logs.raw([(one.source_index, one.line) for one in group[:SHOWN_KINDS]])
    firsts = [
        (logs.sources[one.source_index].name, raw.get((one.source_index, one.line), one.template)) for one in group
    ]
    return incident_of_new(model, group, firsts)


def _listed(logs: StoredLogs, one: NewLine) -> dict[str, Any]:
    place = one.source_index, one.line
    return {
        "template": one.template, "level": one.level, "loudness": LOUDNESS[one.loudness], "count": one.lines,
        "sessions": 0,
        "first": {
            "source": logs.sources[place[0]].name, "number": place[1],
            "text": logs.raw([place]).get(place, one.template)[:SHOWN_CHARACTERS], "session_start": None,
        },
    }  # fmt: skip


def _changed(model: Model, lines: Lines) -> tuple[list[LineChange], list[LineChange]]:
    """The series that changed more than normal stretches do, the least likely first, and what the load explains."""
    if model.volume is None:
        return [], []
    found, windows = changes(model.volume, lines)
    worst_W = worst_of(model.volume)
    length = min(windows, len(worst_W) // LEAST_STRETCHES)
    if not found or length < 1:
        return [], []
    number = len(worst_W) // length
    tail = fit_tail(np.array([part.max() for part in np.array_split(worst_W, number)]), SCALE)
    parts = -(-windows // length)
    told, with_load = list[LineChange](), list[LineChange]()
    for one in found:
        p_value, beyond = (parts * float(p) for p in tail.p_values(np.array([one.score, one.beyond_load])))
        if p_value <= TOLD:
            change = rate_told(one, max(p_value, beyond))
            (told if beyond <= TOLD else with_load).append(change)
    return sorted(told, key=lambda one: one.p_value), with_load


def rate_told(one: RateChange, p_value: float) -> LineChange:
    """A changed rate in words."""
    return LineChange(
        one.series, one.kind, one.first, one.last, one.lines, p_value, _numbers(one), _numbers_ko(one),
        (one.worst.timestamp(), one.worst.timestamp() + one.window_seconds), one.lines - one.usual,
    )  # fmt: skip


def silence_told(one: Silence) -> LineChange:
    """A silence in words."""
    return LineChange(one.series, "none", one.first, one.last, 0, one.p_value, _pauses(one), _pauses_ko(one))


def _silent(model: Model, lines: Lines, series: pl.DataFrame | None) -> list[LineChange]:
    """The kinds of lines that were silent for longer than they ever are, and those with one of few values."""
    found = [] if model.lines is None else silences(model.lines, lines)
    of_values = None if series is None or VALUE_LINES not in model.of_logs else lines_by_value(series)
    if of_values is not None:
        found += silences(model.of_logs[VALUE_LINES], of_values)
    return [silence_told(one) for one in found if one.p_value <= TOLD]


def _with_reasons(incident: Incident, group: Sequence[LineChange]) -> Incident:
    """The incident with the changed rates as reasons; where no kind of line has most of too many, named after that."""
    reasons = (*incident.reasons, *(_reason(one) for one in group[:SHOWN_CHANGES]))
    surge = next((one for one in group if one.series == ALL and one.kind == "more" and one is _lead(group)), None)
    if surge is None or incident.symptoms[0]["kind"] not in _OF_SURGES:
        return replace(incident, reasons=reasons)
    title, title_ko = _titles(surge)
    return replace(incident, reasons=reasons, title=title, title_ko=title_ko)


def _reason(one: LineChange) -> dict[str, Any]:
    named_ko = _SERIES_KO.get(one.series) or one.series
    reason = reason_of("volume", one.p_value, f"{one.series}: {one.says}.", None)
    return reason | {"says_ko": f"{named_ko}: {one.says_ko}.", "series": one.series, "change": one.kind}


def at_one_time(found: Sequence[LineChange]) -> list[list[LineChange]]:
    """Those of one time together, each group the least likely first."""
    groups: list[list[LineChange]] = []
    for one in sorted(found, key=lambda one: one.p_value):
        near = next((g for g in groups if one.first <= g[0].last and g[0].first <= one.last), None)
        if near is None:
            groups.append([one])
        else:
            near.append(one)
    return groups


def incident_of_changes(
    model: Model, group: Sequence[LineChange], *, lead: LineChange | None = None, over: bool = True
) -> Incident:
    """The incident of lines whose rates changed at one time, the least likely first.

    It is named after the `lead`, None: after what says most. Not `over`: they still do.
    """
    lead = lead or _lead(group)
    score = -float(np.log10(max(lead.p_value, 1e-300)))
    shown = [lead, *(one for one in group if one is not lead)][:SHOWN_CHANGES]
    first, last = min(one.first for one in group), max(one.last for one in group)
    loud = int(lead.series == ERRORS and lead.kind == "more")
    return incident_of_logs(
        model, Symptom("volume", f"{lead.kind} {lead.series}"), _titles(lead, over=over), score,
        severity_of(score, loud), (first.isoformat(), last.isoformat()), lead.lines, tuple(map(_reason, shown)),
        (lead.series.removeprefix(OF_LOG),) if lead.series.startswith(OF_LOG) else (),
    )  # fmt: skip


def _lead(group: Sequence[LineChange]) -> LineChange:
    """What says most: of many lines at one time the kind of line that most of them are, else the least likely."""
    lead = group[0]
    if lead.kind != "more" or not (lead.series == ALL or lead.series.startswith(OF_LOG)):
        return lead
    kinds = [one for one in group if one.kind == "more" and one.series not in (ALL, ERRORS, WARNINGS)]
    kinds = [one for one in kinds if not one.series.startswith(OF_LOG) and one.surplus >= MUCH * lead.surplus]
    return max(kinds, key=lambda one: one.surplus, default=lead)


def _titles(lead: LineChange, *, over: bool = True) -> tuple[str, str]:
    """In English and Korean."""
    english, korean = _TITLES[lead.kind]
    named_ko = _SERIES_KO.get(lead.series) or headline(lead.series)
    span = f"{lead.first:%H:%M} to {lead.last:%H:%M}" if over else f"since {lead.first:%H:%M}"
    span_ko = f"{lead.first:%H:%M}~{lead.last:%H:%M}" if over else f"{lead.first:%H:%M}부터"
    english_title = f"{english.format(line=headline(lead.series))}, {span}; {lead.says}"
    korean_title = f"{korean.format(line=named_ko)}, {span_ko}; {lead.says_ko}"
    return english_title, korean_title


def _numbers(change: RateChange) -> str:
    extreme = "most" if change.kind == "more" else "fewest"
    return (
        f"{change.lines:,} lines in {_span(change.window_seconds)}, usually {change.usual:,.0f}, {extreme} in training "
        f"{change.extreme:,}"
    )


def _numbers_ko(change: RateChange) -> str:
    extreme = "최대" if change.kind == "more" else "최소"
    return (
        f"{_span(change.window_seconds)} 동안 {change.lines:,}줄, 평소 {change.usual:,.0f}줄, 학습 기간 {extreme} "
        f"{change.extreme:,}줄"
    )


def _pauses(one: Silence) -> str:
    return (
        f"none for {_about(one.seconds)}, usually one each {_about(one.usual)}, never apart by more than "
        f"{_about(one.longest)} in training"
    )


def _pauses_ko(one: Silence) -> str:
    return (
        f"{_about(one.seconds)} 동안 없음, 평소 간격 {_about(one.usual)}, 학습 기간의 가장 긴 간격 "
        f"{_about(one.longest)}"
    )


def _about(seconds: float) -> str:
    """A time for people, in its largest unit."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.3g} s"


def _span(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"
