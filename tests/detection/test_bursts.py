"""Laws of crowds: what comes quicker than it ever did is strange, and what no clock says is not."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.artifact import Model
from isang.detection.detectors.time.burst import (
    ALL,
    CROWDS,
    LEAST_MS,
    Bursts,
    bursts,
    count_bursts,
    find_bursts,
    normal_crowd,
    remember,
)
from isang.detection.detectors.timed_sessions import NOTHING_EARLIER, untimed
from isang.detection.explain import explain
from isang.detection.threshold.decisions import Judged, judge
from isang.logs.store import Dataset
from isang.model.batches import Sessions, from_sequences
from isang.model.vocabulary import BEGIN, END, MARKS, UNSEEN
from tests.detection.fitting import named, with_table, without_clock
from tests.synthetic import BROWSE, shop_dataset
from tests.test_artifact import some_model

COMMON, RARE, NEVER = range(len(MARKS), len(MARKS) + 3)
PERIOD_MS = 3_599_000.0
FEW, MANY = min(CROWDS), max(CROWDS)


def sessions_of(*events: tuple[int, ...]) -> Sessions:
    return from_sequences([np.array([BEGIN, *each, END], dtype=np.int32) for each in events])


@pytest.fixture(scope="module")
def model() -> Model:
    """In an hour a common event each second, a rare one in seven sessions."""
    seconds = np.arange(3_600)
    normal = sessions_of(*((COMMON, RARE) if second % 500 == 499 else (COMMON,) for second in seconds))
    return with_table(some_model(), "burst", count_bursts(normal, 1000.0 * seconds))


def test_the_quickest_of_each_size_is_counted(model: Model) -> None:
    assert normal_crowd(model.fitted, COMMON, FEW) == (1000.0 * (FEW - 1), 3_600)
    assert normal_crowd(model.fitted, COMMON, MANY) == (1000.0 * (MANY - 1), 3_600)
    assert normal_crowd(model.fitted, RARE, FEW) == (PERIOD_MS, 7), "seven sessions are no eight"
    with pytest.raises(KeyError):
        normal_crowd(model.fitted, NEVER, FEW)


def test_a_crowd_is_held_against_the_quickest_before_it(model: Model) -> None:
    """All eight are one crowd, whichever came first; the one long before and the one long after are not in it."""
    ends = np.array([0.0, *(3_000_000 + 100.0 * np.arange(FEW)), 3_500_000])
    found = find_bursts(model.fitted, sessions_of(*[(RARE,)] * len(ends)), ends)
    quicker = (PERIOD_MS + LEAST_MS) / (100.0 * (FEW - 1) + LEAST_MS)
    assert found.deviations_S[1:-1] == pytest.approx(np.sqrt(FEW) * np.log(quicker))
    assert found.deviations_S[[0, -1]].max() < found.deviations_S[1] / 3
    assert (found.token_S[1], found.crowd_S[1], found.span_ms_S[1]) == (RARE, FEW, 700.0)


def test_what_is_as_quick_as_ever_is_no_crowd(model: Model) -> None:
    found = find_bursts(model.fitted, sessions_of(*[(COMMON,)] * 100), 1000.0 * np.arange(100))
    assert not found.deviations_S.any()
    assert (found.token_S == -1).all()


def test_a_busier_day_is_no_burst_and_has_bursts(model: Model) -> None:
    """Four times as many sessions as ever: once ALL have come that is known, and a crowd of rare ones stands out."""
    ends, day = 250.0 * np.arange(2_000), [(COMMON,)] * 2_000
    found = find_bursts(model.fitted, sessions_of(*day), ends)
    assert not found.deviations_S[ALL:].any()
    day[1_500 : 1_500 + FEW] = [(COMMON, RARE)] * FEW
    found = find_bursts(model.fitted, sessions_of(*day), ends)
    assert (np.flatnonzero(found.deviations_S[ALL:]) + ALL).tolist() == list(range(1_500, 1_500 + FEW))
    busier = (1000.0 * (ALL - 1) + LEAST_MS) / (250.0 * (ALL - 1) + LEAST_MS)
    quicker = (PERIOD_MS + LEAST_MS) / (250.0 * (FEW - 1) + LEAST_MS)
    assert found.deviations_S[1_500] == pytest.approx(np.sqrt(FEW) * np.log(quicker / busier))


def test_what_normal_sessions_never_had_is_the_business_of_others(model: Model) -> None:
    for event in (NEVER, UNSEEN):
        assert not find_bursts(model.fitted, sessions_of(*[(event,)] * 50), np.arange(50.0)).deviations_S.any()


def test_an_event_that_a_session_has_twice_counts_once(model: Model) -> None:
    found = find_bursts(model.fitted, sessions_of(*[(RARE, RARE)] * (FEW - 1)), np.arange(FEW - 1.0))
    assert not found.deviations_S.any()


def test_a_handful_of_sessions_does_not_tell_what_is_quick(model: Model) -> None:
    """With 12 sessions an eight-fold crowd is never judged; with 3,600 it is."""
    few = with_table(model, "burst", count_bursts(sessions_of(*[(COMMON,)] * 12), 60_000.0 * np.arange(12))).fitted
    crowd, ends = sessions_of(*[(COMMON,)] * 50), np.arange(50.0)
    assert not find_bursts(few, crowd, ends).deviations_S.any()
    assert not named("burst").can_tell(few)
    assert find_bursts(model.fitted, crowd, ends).deviations_S.all()
    assert named("burst").can_tell(model.fitted)


def test_without_a_clock_nothing_is_said(model: Model) -> None:
    crowd = sessions_of(*[(RARE,)] * 50)
    assert not find_bursts(model.fitted, crowd, np.full(50, np.nan)).deviations_S.any()
    assert count_bursts(crowd, np.full(50, np.nan)).is_empty()
    without = without_clock(model).fitted
    assert not find_bursts(without, crowd, np.arange(50.0)).deviations_S.any(), "the training period had no clock"


TIMES = st.lists(st.integers(0, 60_000), min_size=1, max_size=60)


@given(times=TIMES)
def test_as_asking_each_by_hand(model: Model, times: list[int]) -> None:
    ends = np.array(sorted(times), dtype=np.float64)
    found = find_bursts(model.fitted, sessions_of(*[(RARE,)] * len(ends)), ends)
    for place in range(len(ends)):
        best, quicker = 0.0, np.inf
        for crowd in CROWDS:
            first = range(max(0, place - crowd + 1), min(place, len(ends) - crowd) + 1)
            spans = [ends[begin + crowd - 1] - ends[begin] for begin in first]
            quicker = min(quicker, (PERIOD_MS + LEAST_MS) / (min(spans, default=np.inf) + LEAST_MS))
            best = max(best, np.sqrt(crowd) * np.log(max(1.0, quicker)))
        assert found.deviations_S[place] == pytest.approx(best)


@given(seed=st.integers(0, 1_000), cut=st.integers(0, 600))
def test_what_is_remembered_is_all_that_later_sessions_need(model: Model, seed: int, cut: int) -> None:
    """Later sessions stand in the same crowds, whether the earlier ones are there or remembered, at once or bit by bit;
    a session that was judged before its crowd was complete is never stranger for it."""
    generator = np.random.default_rng(seed)
    ends = np.cumsum(np.round(generator.exponential(generator.choice([300, 3_000], 600))))
    events = [(RARE, COMMON) if rare else (COMMON,) for rare in generator.random(600) < 0.3]
    parts = (slice(0, cut // 2), slice(cut // 2, cut), slice(cut, None))
    earlier, told = NOTHING_EARLIER, []
    for part in parts:
        sessions = sessions_of(*events[part])
        told.append(find_bursts(model.fitted, sessions, ends[part], earlier).deviations_S)
        earlier = remember(replace(untimed(sessions, model.fitted.size), ends_ms_S=ends[part], earlier=earlier))
    together = find_bursts(model.fitted, sessions_of(*events), ends).deviations_S
    assert told[-1].tolist() == together[cut:].tolist()
    assert (np.concatenate(told) <= together).all()
    assert np.bincount(earlier.token_P)[[BEGIN, COMMON]].tolist() == [ALL - 1, MANY - 1]


def crowded(dataset: Dataset, seconds: float) -> Dataset:
    """The later half, in which one visit came again and again, so many seconds apart."""
    visit = next(row for row in range(500, 1_000) if len(dataset.sessions["events"][row]) == len(BROWSE))
    copies = dataset.sessions[[visit] * 40].with_columns(
        session_id=pl.format("copy{}", pl.int_range(40)),
        start=pl.col("start") + pl.duration(milliseconds=pl.int_range(40) * int(1000 * seconds)),
        end=pl.col("end") + pl.duration(milliseconds=pl.int_range(40) * int(1000 * seconds)),
    )
    return replace(dataset, sessions=pl.concat([dataset.sessions[500:], copies]).sort("start", "session_id"))


def anomalous(judged: Judged) -> np.ndarray:
    return np.array([decision.anomalous for decision in judged.decisions])


def test_a_session_repeated_within_seconds_is_an_anomaly_with_its_reason(trained: Model, dataset: Dataset) -> None:
    """Synthetic: a usual visit comes in ten seconds forty times instead of once."""
    planted = crowded(dataset, 0.25)
    judged = judge(trained, planted)
    copies = np.flatnonzero(planted.sessions["session_id"].str.starts_with("copy").to_numpy())
    found = anomalous(judged)
    assert found[copies].all()
    alone = dataset.sessions[500:].filter(anomalous(judge(trained, dataset, np.arange(500, 1_000))))["session_id"]
    beside = planted.sessions.filter(found).filter(~pl.col("session_id").is_in(alone.implode()))
    assert len(beside) <= len(copies) + 5
    assert (beside["end"] - planted.sessions["end"][int(copies[20])]).dt.total_seconds().abs().max() < 30
    one = int(copies[20])
    (reason,) = explain(trained, judged, one, planted.sessions["events"][one].to_list(), 5)
    assert reason.detector == "burst"
    assert reason.detail["crowd"] == MANY
    assert reason.detail["span_ms"] == pytest.approx(250 * (MANY - 2)), "the first copy stands beside its original"
    assert reason.detail["least_normal_span_ms"] > 50_000
    assert f"{MANY} sessions with a line like this, this one among them, ended within 7.5 s" in reason.says


def test_at_the_usual_rate_copies_are_none(trained: Model, dataset: Dataset) -> None:
    planted = crowded(dataset, 40)
    copies = planted.sessions["session_id"].str.starts_with("copy").to_numpy()
    assert not anomalous(judge(trained, planted))[copies].any()


def test_no_clock_no_crowd(trained: Model) -> None:
    judged = judge(trained, shop_dataset(50, clock=False))
    found = judged.beside.once(bursts)
    assert isinstance(found, Bursts)
    assert not found.deviations_S.any()
