"""Sessions that the end of the log may have cut: what did not come yet is no anomaly."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import Model
from isang.detection.detectors import DETECTORS
from isang.detection.detectors.counts.nearest_counts import nearest_normal
from isang.detection.detectors.open_ends import leave_open
from isang.detection.detectors.order.transition import transition_surprise
from isang.detection.explain import explain
from isang.detection.threshold.decisions import judge, may_go_on
from isang.logs.store import Dataset
from isang.model.batches import Sessions, from_sequences
from isang.model.vocabulary import BEGIN, END, MASK, UNSEEN
from tests.detection.fitting import judged_alone, seen, with_normal, without_clock
from tests.synthetic import BROWSE

NAMES = [detector.name for detector in DETECTORS]


def with_silence(model: Model, seconds: float | None, kind: str = "key") -> Model:
    """The model, with no times between its lines."""
    facts, rules = {**model.facts, "usual_silence_seconds": seconds}, {**model.rules, "session": {"kind": kind}}
    return replace(without_clock(model), facts=facts, rules=rules)


def test_sessions_that_were_not_silent_for_long_may_go_on(trained: Model, dataset: Dataset) -> None:
    rows = np.arange(len(dataset.sessions))
    ends = dataset.sessions["end"]
    open_S = may_go_on(with_silence(trained, 60.0), dataset, rows)
    assert 0 < open_S.sum() < len(rows)
    silent_seconds = (ends.max() - ends).dt.total_seconds().to_numpy()  # type: ignore[operator]
    assert open_S.tolist() == (silent_seconds < 60).tolist()
    assert may_go_on(with_silence(trained, 60.0), dataset, rows[-5:]).tolist() == open_S[-5:].tolist()


def test_what_normally_goes_on_at_once_or_not_at_all_is_over(trained: Model, dataset: Dataset) -> None:
    """Lines follow each other within 50 ms: cut in the middle a session may go on for a moment, at its end not."""
    timed = replace(with_silence(trained, 60.0), fitted=trained.fitted)
    one = dataset.sessions[[0]]
    whole, cut = one, one.with_columns(pl.col("events", "gaps_ms").list.head(3))
    later = one.with_columns(pl.col("end") + pl.duration(seconds=30), session_id=pl.lit("later"))
    for sessions, expected in (
        (whole, [False]),
        (cut, [True]),
        (pl.concat([cut, later]), [False, False]),
    ):
        rows = np.arange(len(sessions))
        assert may_go_on(timed, replace(dataset, sessions=sessions), rows).tolist() == expected
    assert may_go_on(with_silence(trained, 60.0), replace(dataset, sessions=pl.concat([cut, later])), rows).all()


@pytest.mark.parametrize("kind", ["lines", "seconds"])
def test_a_window_is_over_when_it_is_full(trained: Model, dataset: Dataset, kind: str) -> None:
    rows = np.arange(len(dataset.sessions))
    assert not may_go_on(with_silence(trained, 60.0, kind), dataset, rows).any()


def test_a_last_window_that_the_end_of_the_log_cut_short_may_go_on(trained: Model, dataset: Dataset) -> None:
    ids = [f"a.log:{1 + 10 * row}" for row in range(len(dataset.sessions))]
    windows = dataset.sessions.with_columns(source=pl.lit("a.log"), session_id=pl.Series(ids))
    model = with_silence(trained, 60.0, "lines")
    session = {**model.rules["session"], "size": int(dataset.sizes.max()) + 1}
    model = replace(model, rules={**model.rules, "session": session})
    rows = np.arange(len(dataset.sessions))
    assert np.flatnonzero(may_go_on(model, replace(dataset, sessions=windows), rows)).tolist() == [len(rows) - 1]


def test_without_a_clock_every_session_is_over(trained: Model, dataset: Dataset) -> None:
    rows = np.arange(len(dataset.sessions))
    assert not may_go_on(with_silence(trained, None), dataset, rows).any()
    timeless = dataset.sessions.with_columns(end=pl.lit(None, dtype=pl.Datetime("us", "UTC")))
    assert not may_go_on(with_silence(trained, 60.0), replace(dataset, sessions=timeless), rows).any()


def sessions_of(model: Model, rows: list[int], *, unfinished: bool) -> Sessions:
    """Normal sessions of the model, over or not."""
    sessions = model.normal.take(np.array(rows))
    return leave_open(sessions, np.full(len(sessions), unfinished))


def prefixes(sessions: Sessions) -> Sessions:
    """Every beginning of every session, from no event on."""
    return from_sequences(
        [
            np.append(sessions[row][:events], sessions[row][-1])
            for row in range(len(sessions))
            for events in range(1, len(sessions[row]))
        ]
    )


def test_a_session_that_may_go_on_did_not_end_early(trained: Model, dataset: Dataset) -> None:
    """The same sessions, cut after two events, over and not over."""
    rows = np.arange(500, 600)
    cut = dataset.sessions.with_columns(pl.col("events", "gaps_ms").list.head(2))
    over, going_on = (
        judge(trained, replace(dataset, sessions=cut), rows, unfinished_S=np.full(len(rows), unfinished))
        for unfinished in (False, True)
    )
    for name in ("early_end", "companion"):
        detector = NAMES.index(name)
        assert (over.p_values_DS[detector] < 0.01).mean() > 0.5, name
        assert (going_on.p_values_DS[detector] == 1).all(), name


def test_every_beginning_of_a_normal_session_is_at_distance_0(trained: Model) -> None:
    distance, _ = nearest_normal(
        trained.fitted, prefixes(leave_open(trained.normal, np.ones(len(trained.normal), dtype=bool)))
    )
    assert distance == pytest.approx(0, abs=1e-5)


@given(st.data())
def test_what_a_session_has_too_much_never_shrinks_and_never_exceeds_what_it_ends_at(
    trained: Model, data: st.DataObject
) -> None:
    """Any events: the distance of the open session rises from event to event, to no more than that of the end."""
    events = st.integers(UNSEEN, trained.vocabulary.size - 1)
    session = np.array([BEGIN, *data.draw(st.lists(events, max_size=30)), END], dtype=np.int32)
    whole = from_sequences([session])
    for weighted in (False, True):
        growing, _ = nearest_normal(trained.fitted, prefixes(leave_open(whole, np.array([True]))), weighted=weighted)
        assert (np.diff(growing) >= -1e-6).all()
        assert growing[-1] <= nearest_normal(trained.fitted, whole, weighted=weighted)[0][0] + 1e-6


def test_the_distance_of_an_open_session_worked_out_by_hand(trained: Model, dataset: Dataset) -> None:
    """A visit (5 events) that twice too often does one thing ends at best as 7 events beside those 5: 2 of 12."""
    table = trained.vocabulary.tokens(dataset)
    events = [*BROWSE[:3], BROWSE[2], BROWSE[2]]
    session = from_sequences([np.array([BEGIN, *(table[event] for event in events), MASK], dtype=np.int32)])
    alone = with_normal(trained, from_sequences([session_of(table, BROWSE)])).fitted
    assert nearest_normal(alone, session, weighted=False)[0][0] == pytest.approx(2 / (2 * len(BROWSE) + 2))


def test_no_detector_knows_the_end_of_an_open_session(trained: Model) -> None:
    """No surprise is measured at an open end; what stands before it is still looked at."""
    sessions = sessions_of(trained, [0, 1], unfinished=True)
    ends = np.isin(sessions.flat, MASK)
    assert ends.sum() == 2
    evidence = seen(trained, sessions)
    for answers in evidence.surprise:
        assert np.isnan(answers[ends]).all()
    inside = ~np.isin(sessions.flat, (BEGIN, MASK))
    assert not np.isnan(evidence.surprise.event_T[inside]).any()
    assert not np.isnan(transition_surprise(trained.fitted, sessions)[inside]).any()
    assert np.isnan(transition_surprise(trained.fitted, sessions)[ends]).all()


def test_the_reasons_for_an_open_session_miss_nothing(trained: Model, dataset: Dataset) -> None:
    """An order that is not done and asks the stock far too often."""
    table = trained.vocabulary.tokens(dataset)
    events = [0, 1, 2, *[3] * 40]
    sessions = leave_open(from_sequences([session_of(table, events)]), np.array([True]))
    judged = judged_alone(trained, sessions)
    assert judged.decisions[0].anomalous
    reasons = explain(trained, judged, 0, events, most=9)
    said = {reason.detector: reason.says for reason in reasons}
    assert "so far, whatever may still come" in said["event_counts"]
    assert not {"early_end", "companion"} & {reason.detector for reason in reasons}
    assert not any(reason.detail.get("missing") for reason in reasons)


def session_of(table: np.ndarray, events: Sequence[int]) -> np.ndarray:
    return np.array([BEGIN, *(table[event] for event in events), END], dtype=np.int32)
