"""What answers measure: false alarms that people confirmed, beside the budget that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import polars as pl

from isang.detection.evaluation.metrics import share
from isang.detection.feedback.answers import Answer
from isang.logs.store import Dataset

D = TypeVar("D", bound=Dataset)


Stretch = tuple[str | None, str | None]
"""From when to when (ISO 8601); null: without a bound."""


def reviewed_by(answers: Sequence[Answer]) -> list[Stretch]:
    """The stretches of the logs whose results were before people when they answered."""
    return list(dict.fromkeys(answer.reviewed or (None, None) for answer in answers))


def in_any(start: str | None, stretches: Sequence[Stretch]) -> bool:
    """Whether a session that began then is in one of the stretches; without a clock it is in any."""
    return any(
        start is None or ((low is None or low <= start) and (high is None or start <= high)) for low, high in stretches
    )


def reviewed_alone(
    incidents: Sequence[Mapping[str, Any]], records: Sequence[Mapping[str, Any]], stretches: Sequence[Stretch]
) -> tuple[list[dict[str, Any]], int]:
    """(incidents with the number of their sessions within the stretches, number of all sessions outside)."""
    counts: dict[tuple[str, bool], int] = {}
    for one in records:
        if in_any(one["start"], stretches):
            key = one["incident"], "silenced_by" in one
            counts[key] = counts.get(key, 0) + 1
    found = [
        {**one, "sessions": counts.get((one["fingerprint"], one.get("silenced_by") is not None), 0)}
        for one in incidents
    ]
    return found, sum(int(one["sessions"]) for one in incidents) - sum(one["sessions"] for one in found)


def false_alarms(
    incidents: Sequence[Mapping[str, Any]], sessions: int, asked_per_thousand: float, reviewed: int | None = None
) -> dict[str, Any]:
    """How often sessions were alerts that a person called normal, of the `reviewed` ones among the judged `sessions`.

    Sessions that came after the last answer could not be confirmed: they are no part of `reviewed` (None: all are) nor
    of `incidents`. Those are all others, silenced or not, with their `feedback`. `per_thousand` has Wilson's 95 %
    interval, which takes sessions for independent; sessions of incidents without an answer may be false alarms too, so
    that `at_most_per_thousand` counts these as such.
    """
    of = sessions if reviewed is None else reviewed
    told = sum(int(one["sessions"]) for one in incidents if _verdict(one) == "normal")
    open_sessions = sum(int(one["sessions"]) for one in incidents if _verdict(one) is None)
    return {
        "asked_per_thousand": asked_per_thousand,
        "sessions": sessions,
        "reviewed_sessions": of,
        "false_alarms_told": told,
        "anomalies_told": sum(int(one["sessions"]) for one in incidents if _verdict(one) == "anomaly"),
        "without_answer": open_sessions,
        "per_thousand": _per_thousand(told, of),
        "at_most_per_thousand": _per_thousand(told + open_sessions, of),
    }


def labels_of(answers: Sequence[Answer]) -> pl.DataFrame:
    """The answers' verdicts on single sessions: `session_id`, `start`, `told` (true: anomalous); later answers win."""
    rows = [
        (name, None if start is None else start, answer.verdict == "anomaly")
        for answer in answers
        if answer.verdict != "acknowledged"
        for name, start in answer.sessions
    ]
    schema = {"session_id": pl.String, "start": pl.String, "told": pl.Boolean}
    frame = pl.DataFrame(rows, schema=schema, orient="row").unique(
        ["session_id", "start"], keep="last", maintain_order=True
    )
    return frame.with_columns(pl.col("start").str.to_datetime("%+", time_unit="us", time_zone="UTC"))


def with_labels(dataset: D, answers: Sequence[Answer]) -> D:
    """The dataset whose sessions have the labels that people gave them; a label that is there already stays."""
    told = labels_of(answers)
    if told.is_empty():
        return dataset
    joined = dataset.sessions.join(
        told, on=["session_id", "start"], how="left", nulls_equal=True, maintain_order="left"
    )
    sessions = joined.with_columns(label=pl.coalesce("label", "told")).select(dataset.sessions.columns)
    return replace(dataset, sessions=sessions)


def _verdict(incident: Mapping[str, Any]) -> str | None:
    verdict = (incident.get("feedback") or {}).get("verdict")
    return None if verdict == "acknowledged" else verdict


def _per_thousand(count: int, sessions: int) -> dict[str, float | None]:
    return share(min(count, sessions), sessions, 1000.0)
