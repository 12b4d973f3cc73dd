"""Drift is named where it was put, and not where there is none."""

import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.evaluation.drift import drift
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset
from tests.synthetic import STEPS

LATER = np.arange(500, 1_000)


def drift_of(model: Model, dataset: Dataset) -> dict[str, object]:
    judged = judge(model, dataset, LATER)
    innocent = ~dataset.sessions["label"].to_numpy()[LATER]
    flagged = np.array([decision.anomalous for decision in judged.decisions])
    return drift(model, dataset, judged, flagged, innocent, 50.0)


def reworded_from(dataset: Dataset, row: int) -> Dataset:
    """From a session on, one line has another text: a new template."""
    texts = pl.DataFrame(
        {"event": [50], "template": ["cart was looked at again"], "level": ["INFO"], "count": [0]},
        schema=dataset.templates.schema,
    )
    events = [
        [50 if event == 2 and place >= row else event for event in events]
        for place, events in enumerate(dataset.sessions["events"].to_list())
    ]
    sessions = dataset.sessions.with_columns(events=pl.Series(events, dtype=pl.List(pl.Int32)))
    return replace(dataset, sessions=sessions, templates=pl.concat([dataset.templates, texts]))


def told_alike(found: dict[str, object]) -> bool:
    """Whether the Korean sentence has the numbers of the English one, apart from those of its own."""
    english, korean = (set(re.findall(r"\d+(?:[.,]\d+)*", str(found[key]))) for key in ("says", "says_ko"))
    return bool(english) and english - {"1,000"} <= korean


def test_no_drift_is_seen_where_nothing_changed(trained: Model, dataset: Dataset) -> None:
    found = drift_of(trained, dataset)
    assert found["drifted"] == []
    assert str(found["says"]).startswith("No drift is seen: 0 % of the later sessions")
    assert told_alike(found)
    assert found["new_templates"]["count"] == 0  # type: ignore[index]


def test_a_new_template_is_named_with_its_share_and_its_beginning(trained: Model, dataset: Dataset) -> None:
    assert STEPS[2] == "cart was read"
    changed = reworded_from(dataset, 750)
    found = drift_of(trained, changed)
    assert "templates" in found["drifted"]  # type: ignore[operator]
    innocent = dataset.sessions[500:].filter(~pl.col("label"))
    later = changed.sessions[750:].filter(~pl.col("label"))
    share = 100 * len(later) / innocent["events"].list.len().sum()
    assert f"{share:.3g} % of the later events have a template that training never had" in str(found["says"])
    assert f"they begin on {str(later['start'][0])[:19]}" in str(found["says"])
    assert "cart was looked at again" in str(found["says"])
    assert told_alike(found)
    assert "The budget holds only while later sessions are like those of calibration" in str(found["says"])
    assert found["alerts_with_new_lines"]["value"] == pytest.approx(1000 * len(later) / len(innocent))  # type: ignore[index]
    shares = [tenth["new_template_events"] for tenth in found["tenths"]]  # type: ignore[attr-defined]
    assert shares[:5] == [0] * 5
    assert min(shares[5:]) > 0.1


def test_other_lengths_are_a_drift_of_the_scores(trained: Model, dataset: Dataset) -> None:
    events = [
        [*events[:5], 3, 4, 3, 4, 3, 4, 3, 4, 3, 4, *events[5:]] if place >= 500 else events
        for place, events in enumerate(dataset.sessions["events"].to_list())
    ]
    no_times = pl.lit(None, dtype=dataset.sessions.schema["gaps_ms"])
    longer = dataset.sessions.with_columns(events=pl.Series(events, dtype=pl.List(pl.Int32)), gaps_ms=no_times)
    found = drift_of(trained, replace(dataset, sessions=longer))
    assert "templates" not in found["drifted"]  # type: ignore[operator]
    assert {"scores", "alerts"} <= set(found["drifted"])  # type: ignore[call-overload]
    assert "score high with" in str(found["says"])
    assert told_alike(found)
