"""Sessions that the end of the log may have cut: what did not come yet is no anomaly."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.detection.decisions import judge, may_go_on
from isang.detection.scores import DETECTORS
from isang.logs.store import Dataset

EARLY_END = [detector.name for detector in DETECTORS].index("early_end")


def with_silence(model: Model, seconds: float | None, kind: str = "key") -> Model:
    return replace(
        model, facts={**model.facts, "usual_silence_seconds": seconds}, rules={**model.rules, "session": {"kind": kind}}
    )


def test_sessions_that_were_not_silent_for_long_may_go_on(trained: Model, dataset: Dataset) -> None:
    rows = np.arange(len(dataset.sessions))
    ends = dataset.sessions["end"]
    open_S = may_go_on(with_silence(trained, 60.0), dataset, rows)
    assert 0 < open_S.sum() < len(rows)
    silent_seconds = (ends.max() - ends).dt.total_seconds().to_numpy()  # type: ignore[operator]
    assert open_S.tolist() == (silent_seconds < 60).tolist()
    assert may_go_on(with_silence(trained, 60.0), dataset, rows[-5:]).tolist() == open_S[-5:].tolist()


@pytest.mark.parametrize("kind", ["lines", "seconds"])
def test_a_window_is_over_when_it_is_full(trained: Model, dataset: Dataset, kind: str) -> None:
    rows = np.arange(len(dataset.sessions))
    assert not may_go_on(with_silence(trained, 60.0, kind), dataset, rows).any()


def test_without_a_clock_every_session_is_over(trained: Model, dataset: Dataset) -> None:
    rows = np.arange(len(dataset.sessions))
    assert not may_go_on(with_silence(trained, None), dataset, rows).any()
    timeless = dataset.sessions.with_columns(end=pl.lit(None, dtype=pl.Datetime("us", "UTC")))
    assert not may_go_on(with_silence(trained, 60.0), replace(dataset, sessions=timeless), rows).any()


def test_a_session_that_may_go_on_did_not_end_early(trained: Model, dataset: Dataset) -> None:
    """The same sessions, cut after two events, over and not over."""
    rows = np.arange(500, 600)
    cut = dataset.sessions.with_columns(events=pl.col("events").list.head(2))
    over, going_on = (
        judge(trained, replace(dataset, sessions=cut), rows, unfinished_S=np.full(len(rows), unfinished))
        for unfinished in (False, True)
    )
    assert (over.p_values_DS[EARLY_END] < 0.01).mean() > 0.5
    assert (going_on.p_values_DS[EARLY_END] == 1).all()
    assert (going_on.scores_DS == over.scores_DS).all()
