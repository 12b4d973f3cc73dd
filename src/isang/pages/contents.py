"""The contents of pages about analysed logs, as plain data, for both the static page and the live pages."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from isang.logs.store import TEMPLATES_SCHEMA, Dataset
from isang.logs.templates.slots import SLOTS_SCHEMA
from isang.pages.timeline import TimelineChart, timeline
from isang.parquet_files import read_table

MOST_TEMPLATES = 2_000
"""Maximum number of templates shown: the new ones, then the most frequent."""


@dataclass(frozen=True)
class Contents:
    """One analysis of logs."""

    name: str
    """What was analysed, in a few words."""
    account: Mapping[str, Any]
    """`meta.json` of the dataset: lines, layouts, the session rule; empty if unknown."""
    sessions: int
    """Sessions judged."""
    anomalies: int
    incidents: Sequence[Mapping[str, Any]]
    """As in incidents.json, the most severe first."""
    lines: TimelineChart | None
    records: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """Anomaly records by the fingerprint of their incident."""
    templates: Sequence[Mapping[str, Any]] = ()
    """For each template `template`, `level`, `count`, `first`, `last`, `new`, `spark` (counts over time), `slots`."""
    templates_left_out: int = 0
    never_seen: Sequence[Mapping[str, Any]] = ()
    """As in incidents.json: templates in no training session, the loudest first."""
    coverage: Mapping[str, Any] = field(default_factory=dict)
    """As in incidents.json: how much of the logs is like the training period."""
    evaluation: Mapping[str, Any] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    """Names and relative addresses of further results: `report`, `incidents`, `anomalies`."""


def contents_of(
    name: str,
    dataset: Dataset,
    *,
    sessions: int,
    anomalies: Sequence[Mapping[str, Any]],
    incidents: Sequence[Mapping[str, Any]],
    never_seen: Sequence[Mapping[str, Any]] = (),
    coverage: Mapping[str, Any] | None = None,
    slots: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    evaluation: Mapping[str, Any] | None = None,
    links: Mapping[str, str] | None = None,
) -> Contents:
    """The contents of a page about the sessions of `dataset`, read once more for the counts over time.

    `anomalies` are the records of the anomalous sessions, `slots` the rows of slots.parquet by template.
    """
    lines = timeline(dataset)
    symptoms = (symptom for incident in incidents for symptom in incident["symptoms"] if symptom["kind"] == "new")
    new = {entry["template"] for entry in (*never_seen, *symptoms)}
    templates = templates_of(dataset.templates, new, lines, slots)
    return Contents(
        name=name, account=dataset.meta, sessions=sessions, anomalies=len(anomalies), incidents=incidents, lines=lines,
        records=by_incident(anomalies), templates=templates[:MOST_TEMPLATES],
        templates_left_out=max(0, len(templates) - MOST_TEMPLATES), never_seen=never_seen, coverage=coverage or {},
        evaluation=evaluation, links=links or {},
    )  # fmt: skip


def templates_of(
    table: pl.DataFrame,
    new: Iterable[str] = (),
    lines: TimelineChart | None = None,
    slots: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[dict[str, Any]]:
    """The templates (TEMPLATES_SCHEMA) as pages show them: the `new` ones first, then the most frequent."""
    names = set(new)
    rows = table.filter(table["count"] > 0).sort("count", descending=True)
    return sorted(
        (
            {
                "template": template, "level": level, "count": count, "new": template in names, **_seen(lines, event),
                "slots": (slots or {}).get(template, ()),
            }
            for event, template, level, count in rows.select("event", "template", "level", "count").iter_rows()
        ),
        key=lambda entry: not entry["new"],
    )  # fmt: skip


def slots_in(data: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of slots.parquet of a dataset folder by template; empty if it has none."""
    file, again = data / "slots.parquet", "prepare the logs again"
    if not file.exists():
        return {}
    slots = read_table(file, SLOTS_SCHEMA, again, may_lack=("quantiles",))
    names = dict(
        read_table(data / "templates.parquet", TEMPLATES_SCHEMA, again).select("event", "template").iter_rows()
    )
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in slots.sort("event", "slot", nulls_last=True).iter_rows(named=True):
        if row["event"] in names:
            found[names[row["event"]]].append(row)
    return dict(found)


def by_incident(anomalies: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Anomaly records by the fingerprint of their incident, in order of time."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for record in anomalies:
        found[str(record.get("incident"))].append(record)
    return {name: sorted(records, key=lambda record: str(record["start"] or "")) for name, records in found.items()}


def _seen(lines: TimelineChart | None, event: int) -> dict[str, Any]:
    """When an event occurred, and its counts over time."""
    if lines is None:
        return {"first": None, "last": None, "spark": ()}
    first: datetime | None = lines.moment(int(lines.first_ms_E[event]))
    return {"first": first, "last": lines.moment(int(lines.last_ms_E[event])), "spark": lines.of_event_ES[event]}
