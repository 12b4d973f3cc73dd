"""Open sessions beside beginnings of normal ones that wait as long as they do."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.detectors.counts.nearest_counts import nearest_normal
from isang.detection.detectors.counts.open_counts import _beginnings, nearest_so_far
from isang.detection.detectors.open_ends import closed, leave_open
from isang.detection.explain import explain
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset
from isang.model.batches import Sessions, from_sequences
from isang.model.vocabulary import BEGIN, END, MASK, UNSEEN
from tests.detection.fitting import without_clock
from tests.synthetic import ORDER


def silent(sessions: Sessions, milliseconds: float) -> np.ndarray:
    """The times of open sessions that have all been silent for so long."""
    gaps_T = np.full(len(sessions.flat), np.nan)
    gaps_T[sessions.offsets[1:] - 1] = milliseconds
    return gaps_T


def test_a_beginning_that_waits_no_longer_than_normal_ones_is_at_distance_0(trained: Model) -> None:
    beginnings = _beginnings(trained.fitted)
    assert beginnings is not None
    open_ends = np.isfinite(beginnings.waits_ms_M)
    assert 0 < open_ends.sum() < len(open_ends), "some are whole"
    for place in np.flatnonzero(open_ends)[:100]:
        tokens = trained.normal[int(beginnings.row_M[place])][: beginnings.length_M[place]]
        session = from_sequences([np.append(tokens, MASK)])
        found = nearest_so_far(trained.fitted, session, silent(session, float(beginnings.waits_ms_M[place])))
        assert found.distance_S[0] == pytest.approx(0, abs=1e-6)


@given(st.data())
def test_the_longer_the_silence_the_more_is_missing_up_to_what_a_whole_session_lacks(
    trained: Model, data: st.DataObject
) -> None:
    events = data.draw(st.lists(st.integers(UNSEEN, trained.vocabulary.size - 1), max_size=20))
    session = from_sequences([np.array([BEGIN, *events, MASK], dtype=np.int32)])
    silences = [0.0, 10.0, 1e3, 1e5, 1e12]
    distances = [
        float(nearest_so_far(trained.fitted, session, silent(session, each)).distance_S[0]) for each in silences
    ]
    assert (np.diff(distances) >= -1e-6).all()
    assert distances[-1] == pytest.approx(nearest_normal(trained.fitted, closed(session))[0][0], abs=1e-5)
    fewest = nearest_normal(trained.fitted, session)[0][0]
    assert fewest <= distances[0] + 1e-6, "what is too much is the least of it"


def test_without_a_clock_only_what_is_too_much_counts(trained: Model) -> None:
    sessions = leave_open(trained.normal, np.ones(len(trained.normal), dtype=bool))
    unknown = np.full(len(sessions.flat), np.nan)
    for model, gaps_T in ((trained, unknown), (without_clock(trained), silent(sessions, 1))):
        found = nearest_so_far(model.fitted, sessions, gaps_T)
        assert found.distance_S == pytest.approx(0, abs=1e-5)
        assert not found.lacks_S.any()


def test_finished_sessions_are_compared_as_before(trained: Model, dataset: Dataset) -> None:
    sessions = from_sequences([np.array([BEGIN, 7, 8, END], dtype=np.int32), trained.normal[0]])
    found = nearest_so_far(trained.fitted, sessions, np.full(len(sessions.flat), np.nan))
    distance, row = nearest_normal(trained.fitted, sessions)
    assert found.distance_S.tolist() == distance.tolist()
    assert found.row_S.tolist() == row.tolist()
    assert found.lacks_S.all()


def test_an_open_order_that_has_been_silent_too_long_lacks_its_payment(trained: Model, dataset: Dataset) -> None:
    """Cut in the middle; a moment later nothing is said, an hour later the reasons name what did not come."""
    row = next(row for row, events in enumerate(dataset.sessions["events"].to_list()) if tuple(events) == tuple(ORDER))
    cut = replace(dataset, sessions=dataset.sessions[[row]].with_columns(pl.col("events", "gaps_ms").list.head(6)))
    last = cut.sessions["end"][0]
    for seconds, anomalous in ((0, False), (3_600, True)):
        judged = judge(trained, cut, unfinished_S=np.array([True]), until=last + timedelta(seconds=seconds))
        number = [detector.name for detector in DETECTORS].index("event_counts")
        assert (judged.p_values_DS[number, 0] < 0.001) == anomalous
    reasons = explain(trained, judged, 0, cut.sessions["events"][0].to_list(), most=9)
    missing = {item["template"] for reason in reasons for item in reason.detail.get("missing", ())}
    assert missing
    assert any("so far" in reason.says for reason in reasons)
