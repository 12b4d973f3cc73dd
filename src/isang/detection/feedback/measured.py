"""What answers measure: false alarms that people confirmed, beside the budget that was asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import polars as pl

from isang.detection.evaluation.metrics import share
from isang.detection.feedback.answers import Answer
from isang.logs.store import Dataset

D = TypeVar("D", bound=Dataset)


def false_alarms(incidents: Sequence[Mapping[str, Any]], sessions: int, asked_per_thousand: float) -> dict[str, Any]:
    """How often sessions were alerts that a person called normal, of so many judged `sessions`.

    `incidents`: all of them, silenced or not, with their `feedback`. `per_thousand` has Wilson's 95 % interval, which
    takes sessions for independent; sessions of incidents without an answer may be false alarms too, so that
    `at_most_per_thousand` counts these as such.
    """
    told = sum(int(one["sessions"]) for one in incidents if _verdict(one) == "normal")
    open_sessions = sum(int(one["sessions"]) for one in incidents if _verdict(one) is None)
    return {
        "asked_per_thousand": asked_per_thousand,
        "sessions": sessions,
        "false_alarms_told": told,
        "anomalies_told": sum(int(one["sessions"]) for one in incidents if _verdict(one) == "anomaly"),
        "without_answer": open_sessions,
        "per_thousand": _per_thousand(told, sessions),
        "at_most_per_thousand": _per_thousand(told + open_sessions, sessions),
    }


def labels_of(answers: Sequence[Answer]) -> pl.DataFrame:
    """What answers say of single sessions: `session_id`, `start`, `told` (true: anomalous); later answers win."""
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
