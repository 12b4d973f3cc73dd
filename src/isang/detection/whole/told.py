"""What logs show that no session shows by itself, as incidents: new values, and lines over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.anomalies import Located
from isang.detection.causes.symptoms import Symptom
from isang.detection.causes.titles import headline
from isang.detection.incidents import Incident
from isang.detection.whole.entries import SHOWN_CHARACTERS, incident_of_logs, reason_of, severity_of
from isang.detection.whole.over_time.lines import Lines
from isang.detection.whole.over_time.told_lines import TOLD, lines_noticed
from isang.detection.whole.values.new_values import NewValue, new_values
from isang.logs.places import StoredLogs
from isang.logs.templates.slots import SLOTS_SCHEMA
from isang.parquet_files import read_table

SHOWN_VALUES = 5
MOST_SEARCHED = 5_000
"""Lines of a template in which the first one with a new value is sought."""


@dataclass(frozen=True)
class Noticed:
    """Incidents of logs as a whole."""

    told: list[Incident]
    smaller: list[Incident]
    """Such as unchanged logs often have."""
    never_seen: list[dict[str, Any]]
    """New kinds of lines outside of sessions."""


def noticed(
    model: Model,
    logs: StoredLogs,
    over_time: Lines,
    incidents: Sequence[Incident],
    records: Sequence[Mapping[str, Any]],
) -> Noticed:
    """New values, changed rates, silences and new kinds of lines in logs, beside the `incidents` of their sessions.

    `over_time` are all lines that have a time, `records` the anomalies, each with its `incident`.

    An incident of sessions that explains a changed rate has it as a further reason; `told` has these incidents too.
    """
    slots = _slots_in(logs)
    values: list[NewValue] = []
    if model.slots is not None and slots is not None:
        values = new_values(_in_numbers_of(logs, model, model.slots), slots)
    told = [_of_value(model, logs, group) for group in _alike(values) if group[0].p_value <= TOLD]
    smaller = [_of_value(model, logs, group) for group in _alike(values) if TOLD < group[0].p_value <= 0.5]
    lines = lines_noticed(model, logs, over_time, incidents, records)
    return Noticed([*lines.explaining, *told, *lines.told], [*smaller, *lines.smaller], lines.never_seen)


def _slots_in(logs: StoredLogs) -> pl.DataFrame | None:
    """What stands in the slots of logs; None where their dataset does not say."""
    file = logs.folder / "slots.parquet"
    return read_table(file, dict(SLOTS_SCHEMA), "prepare the logs again") if file.is_file() else None


def _in_numbers_of(prepared: Located, model: Model, slots: pl.DataFrame) -> pl.DataFrame:
    """The slots of the model with the events that its templates are in these logs."""
    names = slots.join(model.template_table.select("event", "template"), on="event").drop("event")
    here = prepared.dataset.templates.select("event", "template").unique("template", keep="first", maintain_order=True)
    return names.join(here, on="template").drop("template")


def _alike(values: Sequence[NewValue]) -> list[list[NewValue]]:
    """The same new value in several templates is one thing, told of the least likely first."""
    groups: dict[str, list[NewValue]] = {}
    for one in values:
        groups.setdefault(one.value, []).append(one)
    return list(groups.values())


def _of_value(model: Model, prepared: Located, group: Sequence[NewValue]) -> Incident:
    found = group[0]
    template, level = _template(prepared, found.event)
    score = -float(np.log10(max(found.p_value, 1e-300)))
    name = found.shown_name or headline(template)
    more = f" (and {len(group) - 1:,} more kinds of lines)" if len(group) > 1 else ""
    more_ko = f" (다른 줄 {len(group) - 1:,}종에도)" if len(group) > 1 else ""
    reasons = []
    for one in group[:SHOWN_VALUES]:
        line = _first_with(prepared, one)
        reasons.append(
            reason_of("new_values", one.p_value, one.says, line) | {"value": one.value, "says_ko": one.says_ko}
        )
    lines = [reason["line"] for reason in reasons if reason["line"]]
    return incident_of_logs(
        model, Symptom("value", template, level),
        (f"New value of {name}: {found.says}{more}", f"{name}의 새 값: {found.says_ko}{more_ko}"),
        score, severity_of(score, int(level in ("ERROR", "FATAL", "CRITICAL"))), (None, None),
        sum(one.lines for one in group), tuple(reasons), tuple(dict.fromkeys(line["source"] for line in lines)),
    )  # fmt: skip


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
