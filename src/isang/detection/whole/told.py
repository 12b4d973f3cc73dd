"""What logs show that no session shows by itself, as incidents: values in slots, and lines over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isang.artifact import Model
from isang.detection.incidents import Incident
from isang.detection.whole.over_time.lines import Lines
from isang.detection.whole.over_time.told_lines import lines_noticed
from isang.detection.whole.values.told_values import ValuesNoticed, values_noticed
from isang.logs.places import StoredLogs
from isang.logs.slots.slot_series import read_series


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
    """New values, unusual numbers, changed rates, silences and new kinds of lines in logs.

    `over_time` are all lines that have a time, `incidents` those of the logs' sessions, and `records` the anomalies,
    each with its `incident`. An incident of sessions that explains another change gets it as a further reason; `told`
    includes these incidents too.
    """
    series = read_series(logs.folder)
    if series is None:
        values = ValuesNoticed([], [], list(incidents))
    else:
        series = series.join(logs.dataset.templates.select("event", "template"), on="event", maintain_order="left")
        values = values_noticed(model, logs, series, incidents)
    lines = lines_noticed(model, logs, over_time, series, values.explaining, records)
    return Noticed([*lines.explaining, *values.told, *lines.told], [*values.smaller, *lines.smaller], lines.never_seen)
