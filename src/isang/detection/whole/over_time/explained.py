"""Whether what lines over time show is what an incident is about: one cause is one incident.

Shapes: C counts of lines.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from isang.artifact import Model
from isang.detection.anomalies import Located
from isang.detection.incidents import Incident
from isang.detection.whole.over_time.lines import ERRORS, WARNINGS, Lines, lines_of_rows
from isang.model.wording import loudness_of

MOSTLY = 0.5
"""An incident explains surplus lines if it contains at least this share of them."""


@dataclass(frozen=True)
class LineChange:
    """One kind of line with an unusual rate, and its sentence."""

    series: str
    kind: str
    """`more`, `less`, or `none`."""
    first: datetime
    last: datetime
    lines: int
    """Number of lines in the most unusual window, or since the last line."""
    p_value: float
    says: str
    says_ko: str
    window: tuple[float, float] = (0.0, 0.0)
    """The most unusual window, in seconds since 1970."""
    surplus: float = 0.0
    """Number of lines above the usual."""


def lines_by_incident(model: Model, logs: Located, records: Sequence[Mapping[str, Any]]) -> dict[str, Lines]:
    """The lines of the anomalous sessions of each incident, by its fingerprint; `records` are those of the sessions."""
    row_of = {name: row for row, name in enumerate(logs.dataset.sessions["session_id"])}
    rows: dict[str, list[int]] = defaultdict(list)
    for record in records:
        rows[record["incident"]].append(row_of[record["session_id"]])
    sources = [source.name for source in logs.sources]
    return {
        fingerprint: lines_of_rows(logs.dataset, model.vocabulary, chosen, logs.places(chosen), sources)
        for fingerprint, own in rows.items()
        for chosen in [np.array(own, dtype=np.int64)]
    }


def explains(incident: Incident, own: Lines | None, group: Sequence[LineChange]) -> bool:
    """Whether changed rates, of one time, are those of what an incident is about at that time.

    They are where the incident's `own` lines are most of what is too many, or where its symptoms name the series.
    """
    if incident.first_seen is None or incident.last_seen is None:
        return False
    if own is not None and any(_has_most(own, one) for one in group if one.kind == "more"):
        return True
    first, last = datetime.fromisoformat(incident.first_seen), datetime.fromisoformat(incident.last_seen)
    present = [symptom for symptom in incident.symptoms if symptom["kind"] != "missing"]
    loudest = max((loudness_of(symptom["template"], symptom["level"]) for symptom in present), default=0)
    texts = {symptom["template"] for symptom in present}
    gone = {symptom["template"] for symptom in incident.symptoms if symptom["kind"] == "missing"}
    return any(
        first <= one.last
        and last >= one.first
        and (
            (one.kind != "more" and one.series in gone)
            or (one.kind == "more" and one.series in texts)
            or (one.kind == "more" and loudest >= {ERRORS: 3, WARNINGS: 2}.get(one.series, 4))
        )
        for one in group
    )


def _has_most(own: Lines, one: LineChange) -> bool:
    start, stop = one.window
    within_C = (own.start_C >= start) & (own.start_C < stop)
    if not within_C.any() or one.surplus <= 0:
        return False
    inside = own.only(within_C)
    return bool(inside.lines_C[inside.are_of(one.series)].sum() >= MOSTLY * one.surplus)
