"""Laws of the times between events: what is long is strange, and what no clock says is not."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import Model
from isang.detection.detectors.scoring import score
from isang.detection.detectors.time.time_gap import EDGES_MS, count_gaps, gap_surprise, normal_times
from isang.detection.detectors.timed_sessions import gaps_before
from isang.detection.evaluation.edited_sessions import changeable, judge_changed
from isang.detection.explain import explain
from isang.detection.threshold.decisions import judge
from isang.logs.store import Dataset
from isang.model.batches import to_sessions
from isang.model.vocabulary import BEGIN, END
from tests.detection.fitting import named, seen, with_table, without_clock
from tests.synthetic import shop_dataset

TIME_GAP = named("time_gap")


def with_gaps(dataset: Dataset, row: int, gaps: Sequence[int | None] | None) -> Dataset:
    """One session of the dataset, with other times."""
    session = dataset.sessions[row : row + 1].with_columns(gaps_ms=pl.Series([gaps], dtype=pl.List(pl.Int32)))
    return replace(dataset, sessions=session)


def surprises(model: Model, dataset: Dataset) -> np.ndarray:
    rows = np.arange(len(dataset.sessions))
    return gap_surprise(model, to_sessions(dataset, model.vocabulary), gaps_before(dataset, rows))


def test_times_stand_where_their_tokens_do(dataset: Dataset, trained: Model) -> None:
    rows = np.array([7, 3, 900])
    sessions, gaps_T = to_sessions(dataset, trained.vocabulary, rows), gaps_before(dataset, rows)
    assert gaps_T.shape == sessions.flat.shape
    for place, row in enumerate(rows):
        of_session = gaps_T[sessions.offsets[place] : sessions.offsets[place + 1]]
        assert of_session[2:-1].tolist() == dataset.sessions["gaps_ms"][int(row)].to_list()[1:]
        assert np.isnan(of_session[[0, 1, -1]]).all(), "BEGIN, the first event and END come after no event"


def test_counts_add_up(dataset: Dataset, trained: Model) -> None:
    rows = np.arange(100)
    sessions, gaps_T = to_sessions(dataset, trained.vocabulary, rows), gaps_before(dataset, rows)
    table = count_gaps(sessions, gaps_T)
    assert table["count"].sum() == (~np.isnan(gaps_T)).sum()
    assert not table.filter(pl.col("before").is_in([BEGIN, END]) | pl.col("after").is_in([BEGIN, END])).height
    assert set(table["at_least_ms"]) <= set(EDGES_MS.tolist())


def test_without_a_clock_nothing_is_strange(dataset: Dataset, trained: Model) -> None:
    rows = np.arange(20)
    plain = shop_dataset(20, clock=False)
    assert np.isnan(gaps_before(plain, rows)).all()
    sessions = to_sessions(plain, trained.vocabulary)
    assert score(TIME_GAP, seen(trained, sessions, gaps_before(plain, rows))).tolist() == [0.0] * 20
    late = with_gaps(dataset, 0, [0] + [10**6] * (len(dataset.sessions["events"][0]) - 1))
    assert np.isnan(surprises(without_clock(trained), late)).all(), "the training period had no clock"


def test_a_time_that_is_not_known_has_no_score_and_the_others_have(dataset: Dataset, trained: Model) -> None:
    length = len(dataset.sessions["events"][0])
    found = surprises(trained, with_gaps(dataset, 0, [0, None, *[10] * (length - 2)]))
    assert np.isnan(found[[0, 1, 2, -1]]).all()
    assert np.isfinite(found[3:-1]).all()


@given(gaps=st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=12).map(sorted), place=st.integers(1, 4))
def test_a_longer_time_is_never_less_strange(trained: Model, dataset: Dataset, gaps: list[int], place: int) -> None:
    length = len(dataset.sessions["events"][0])
    found = []
    for gap in gaps:
        times = [0, *[10] * (length - 1)]
        times[place] = gap
        found.append(float(surprises(trained, with_gaps(dataset, 0, list(times)))[place + 1]))
    assert found == sorted(found)
    assert found[0] >= 0


def test_a_surprise_worked_out_by_hand() -> None:
    """One pair of events, 100 normal times of 0 to 99 ms: up to the longest time the share is (1 + as long) / 101,
    whatever is borrowed, since the pair is all that there is; then it falls."""
    dataset = pairs_of_events([[0, number] for number in range(100)])
    model = model_of(dataset)
    for gap in (5, 41, 98):
        edge = EDGES_MS[np.searchsorted(EDGES_MS, gap - 1, side="right") - 1]  # one tick less, and its bin's beginning
        found = surprises(model, with_gaps(dataset, 0, [0, gap]))[2]
        assert found == pytest.approx(-np.log((1 + 100 - edge) / 101), abs=1e-5)
    assert surprises(model, with_gaps(dataset, 0, [0, 100_000]))[2] > np.log(101) + 5


def test_one_tick_of_the_clock_is_no_time() -> None:
    """Between 0.99 and 1.01 a clock of whole seconds says that a second passed."""
    dataset = pairs_of_events([[0, 0]] * 200 + [[0, 1000]] * 2)
    model = model_of(dataset)
    found = [surprises(model, with_gaps(dataset, 0, [0, gap]))[2] for gap in (0, 1000, 60_000)]
    assert found[0] == found[1] == pytest.approx(0, abs=1e-6)
    assert found[2] > np.log(200)


def test_what_two_events_never_did_is_compared_with_what_came_before_the_second(
    dataset: Dataset, trained: Model
) -> None:
    table = trained.vocabulary.tokens(dataset)
    known, unknown = normal_times(trained, table[0], table[1]), normal_times(trained, table[9], table[1])
    assert (known.pair, unknown.pair) == (True, False)
    assert known.longest_ms < 60
    with pytest.raises(KeyError):
        normal_times(trained, int(table[0]), END)


def test_a_long_silence_is_found_and_both_lines_are_named(dataset: Dataset, trained: Model) -> None:
    row = next(row for row in range(901, 1_000) if row % 10 and len(dataset.sessions["events"][row]) >= 10)
    session = changeable(dataset, np.array([row]))[0]
    assert session.gaps_ms is not None
    slow = session.gaps_ms.copy()
    slow[6] = 30_000
    judged = judge_changed(trained, dataset, [replace(session, gaps_ms=slow)])
    assert judged.decisions[0].anomalous
    assert not judge_changed(trained, dataset, [session]).decisions[0].anomalous
    reason = explain(trained, judged, 0, session.events.tolist(), most=5)[0]
    assert (reason.detector, reason.position, reason.since) == ("time_gap", 6, 5)
    assert "30.0 s after the one before" in reason.says
    assert reason.detail["gap_ms"] == 30_000
    assert reason.detail["most_normal_ms"] < 60


def test_times_of_a_session_do_not_depend_on_its_company(dataset: Dataset, trained: Model) -> None:
    together = judge(trained, dataset)
    for row in (3, 501, 999):
        alone = judge(trained, dataset, np.array([row]))
        assert alone.scores_DS[-1, 0] == together.scores_DS[-1, row]


def pairs_of_events(gaps: list[list[int]]) -> Dataset:
    """Sessions of the same two events, so long apart."""
    dataset = shop_dataset(len(gaps))
    events = pl.Series([[0, 1]] * len(gaps), dtype=pl.List(pl.Int32))
    times = pl.Series(gaps, dtype=pl.List(pl.Int32))
    return replace(dataset, sessions=dataset.sessions.with_columns(events=events, gaps_ms=times))


def model_of(dataset: Dataset) -> Model:
    """A model that knows the times of a dataset; nobody asks for the rest of it."""
    from tests.test_artifact import some_model

    model, rows = some_model(), np.arange(len(dataset.sessions))
    sessions = to_sessions(dataset, model.vocabulary)
    return with_table(model, "time_gap", count_gaps(sessions, gaps_before(dataset, rows)))
