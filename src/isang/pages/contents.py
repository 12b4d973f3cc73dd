"""What a page about analysed logs shows, as plain data; the page from a file and the live one are drawn from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from isang.logs.store import Dataset
from isang.pages.timeline import Timeline, timeline

MOST_TEMPLATES = 2_000
"""The most frequent ones, and all that are new, up to this number."""


@dataclass(frozen=True)
class Contents:
    """One analysis of logs."""

    name: str
    """What was analysed, in a few words."""
    account: Mapping[str, Any]
    """`meta.json` of the dataset: lines, layouts, the session rule."""
    sessions: int
    """Sessions judged."""
    anomalies: int
    incidents: Sequence[Mapping[str, Any]]
    """As in incidents.json, the most severe first."""
    lines: Timeline | None
    templates: Sequence[Mapping[str, Any]] = ()
    """`template`, `level`, `count`, `first`, `last`, `new`, `spark` (counts over time) of each."""
    templates_left_out: int = 0
    evaluation: Mapping[str, Any] | None = None
    links: Mapping[str, str] = field(default_factory=dict)
    """Names and relative addresses of what else there is to read: `report`, `incidents`, `anomalies`."""


def contents_of(
    name: str,
    dataset: Dataset,
    *,
    sessions: int,
    anomalies: int,
    incidents: Sequence[Mapping[str, Any]],
    evaluation: Mapping[str, Any] | None = None,
    links: Mapping[str, str] | None = None,
) -> Contents:
    """The contents of a page about the sessions of `dataset`, read once more for the counts over time."""
    lines = timeline(dataset)
    new = {
        symptom["template"] for incident in incidents for symptom in incident["symptoms"] if symptom["kind"] == "new"
    }
    table = dataset.templates.filter(dataset.templates["count"] > 0).sort("count", descending=True)
    shown = table.filter(table["template"].is_in(list(new))).vstack(table.filter(~table["template"].is_in(list(new))))
    templates = [
        {"template": template, "level": level, "count": count, "new": template in new, **_seen(lines, event)}
        for event, template, level, count in shown.head(MOST_TEMPLATES).iter_rows()
    ]
    return Contents(
        name=name, account=dataset.meta, sessions=sessions, anomalies=anomalies, incidents=incidents, lines=lines,
        templates=templates, templates_left_out=max(0, len(table) - MOST_TEMPLATES), evaluation=evaluation,
        links=links or {},
    )  # fmt: skip


def _seen(lines: Timeline | None, event: int) -> dict[str, Any]:
    """When and how often over time an event came."""
    if lines is None:
        return {"first": None, "last": None, "spark": ()}
    first: datetime | None = lines.moment(int(lines.first_ms_E[event]))
    return {"first": first, "last": lines.moment(int(lines.last_ms_E[event])), "spark": lines.of_event_ES[event]}
