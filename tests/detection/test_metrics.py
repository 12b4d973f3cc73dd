"""Detection quality against answers made by hand and definitions written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.detection.evaluation.block_bootstrap import Blocks, time_blocks
from isang.detection.evaluation.metrics import (
    Flags,
    average_precision,
    average_precision_with_interval,
    confusion,
    precision_recall,
    rate_per_hour,
    share,
    wilson,
    with_intervals,
)

flags = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def single(sessions: int) -> Blocks:
    """Each session is its own block."""
    return Blocks(np.arange(sessions), 1)


def table(tp: int, fp: int, fn: int, tn: int) -> tuple[Flags, Flags, Blocks]:
    """Flags, labels and blocks of sessions with this confusion table."""
    flagged = np.repeat([True, True, False, False], [tp, fp, fn, tn])
    anomalous = np.repeat([True, False, True, False], [tp, fp, fn, tn])
    return flagged, anomalous, single(len(flagged))


def test_a_table_worked_out_by_hand() -> None:
    """8 of 10 anomalies found among 12 alerts on 100 sessions."""
    metrics = with_intervals(*table(tp=8, fp=4, fn=2, tn=86))
    assert metrics["precision"]["value"] == pytest.approx(8 / 12)
    assert metrics["recall"]["value"] == pytest.approx(0.8)
    assert metrics["f1"]["value"] == pytest.approx(2 * (8 / 12) * 0.8 / (8 / 12 + 0.8))
    assert metrics["accuracy"]["value"] == pytest.approx(0.94)
    for metric in metrics.values():
        assert metric["low"] is not None
        assert metric["low"] < metric["value"] < metric["high"]


def test_what_is_undefined_stays_undefined() -> None:
    nothing_fired = with_intervals(*table(0, 0, 5, 95))
    assert nothing_fired["precision"] == {"value": None, "low": None, "high": None}
    assert nothing_fired["recall"]["value"] == 0
    nothing_to_find = with_intervals(*table(0, 3, 0, 97))
    assert nothing_to_find["recall"]["value"] is None
    assert nothing_to_find["f1"]["value"] is None
    assert with_intervals(*table(0, 0, 0, 0))["accuracy"]["value"] is None
    assert math.isnan(average_precision(np.array([1.0, 2.0]), np.array([False, False])))
    assert share(0, 0) == {"value": None, "low": None, "high": None}


@given(flags)
def test_the_confusion_table_counts_every_session_once(pairs: list[tuple[bool, bool]]) -> None:
    flagged, anomalous = (np.array(side, dtype=bool) for side in zip(*pairs, strict=True))
    counts = confusion(flagged, anomalous)
    assert sum(vars(counts).values()) == len(pairs)
    assert counts.true_positives == sum(one and two for one, two in pairs)


def test_average_precision_worked_out_by_hand() -> None:
    """Ranks 1 and 3 of four: (1/1 + 2/3) / 2; a tie of all counts as one threshold."""
    assert average_precision(np.array([4.0, 3, 2, 1]), np.array([True, False, True, False])) == pytest.approx(5 / 6)
    assert average_precision(np.ones(4), np.array([True, False, False, False])) == pytest.approx(0.25)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_average_precision_equals_its_definition(pairs: list[tuple[int, bool]]) -> None:
    scores = np.array([score for score, _ in pairs], dtype=float)
    anomalous = np.array([label for _, label in pairs])
    if not anomalous.any():
        return
    expected, earlier_recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        flagged = scores >= threshold
        precision, recall = anomalous[flagged].mean(), anomalous[flagged].sum() / anomalous.sum()
        expected, earlier_recall = expected + (recall - earlier_recall) * precision, recall
    assert average_precision(scores, anomalous) == pytest.approx(expected)


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40))
def test_a_session_of_weight_n_counts_like_n_sessions(triples: list[tuple[int, bool, int]]) -> None:
    scores, anomalous, weights = (np.array(side) for side in zip(*triples, strict=True))
    weighted = average_precision(scores.astype(float), anomalous.astype(bool), weights.astype(float))
    repeated = np.repeat(scores, weights).astype(float), np.repeat(anomalous, weights).astype(bool)
    assert weighted == pytest.approx(average_precision(*repeated) if weights.any() else math.nan, nan_ok=True)


def test_precision_and_recall_at_each_threshold_by_hand() -> None:
    scores, precision, recall = precision_recall(np.array([1.0, 3, 2, 2]), np.array([False, True, False, True]))
    assert scores.tolist() == [3, 2, 1]
    assert precision.tolist() == pytest.approx([1, 2 / 3, 1 / 2])
    assert recall.tolist() == [0.5, 1, 1]
    assert np.isnan(precision_recall(np.array([1.0, 2]), np.array([False, False]))[2]).all()


def test_average_precision_has_an_interval_around_it() -> None:
    generator = np.random.default_rng(0)
    anomalous = generator.random(400) < 0.1
    metric = average_precision_with_interval(generator.normal(size=400) + 2 * anomalous, anomalous, single(400))
    assert metric["low"] < metric["value"] < metric["high"]


def test_independent_sessions_are_drawn_one_by_one_and_runs_in_blocks() -> None:
    generator = np.random.default_rng(1)
    assert time_blocks(generator.random(2_000) < 0.1).length == 1
    runs = np.repeat(generator.random(100) < 0.1, 20)
    blocks = time_blocks(runs, generator.random(2_000) < 0.5)
    assert 20 <= blocks.length <= 100
    assert blocks.count == -(-2_000 // blocks.length)
    assert time_blocks(np.repeat([True, False], 500)).count >= 20, "one long fault still leaves blocks to draw from"
    assert time_blocks(np.ones(3, dtype=bool)).length == time_blocks(np.zeros(1, dtype=bool)).length == 1


def test_blocks_widen_the_interval_where_sessions_depend_on_each_other() -> None:
    """Each session 20 times: the right interval is that of the distinct sessions, sqrt(20) times the naive one."""
    generator = np.random.default_rng(2)
    anomalous = np.repeat(generator.random(100) < 0.5, 20)
    flagged = anomalous ^ np.repeat(generator.random(100) < 0.2, 20)
    width = {}
    for name, blocks in (("single", single(2_000)), ("blocks", Blocks(np.arange(2_000) // 20, 20))):
        accuracy = with_intervals(flagged, anomalous, blocks)["accuracy"]
        width[name] = accuracy["high"] - accuracy["low"]
    assert width["blocks"] / width["single"] == pytest.approx(math.sqrt(20), rel=0.1)


def test_a_rate_per_hour_against_the_exact_poisson_interval() -> None:
    """Exact 95 % limits (Garwood 1936): 0: 0 to 3.689; 1: 0.0253 to 5.572; 10: 4.795 to 18.39; 100: 81.36 to 121.63."""
    for events, low, high in ((0, 0, 3.689), (1, 0.0253, 5.572), (10, 4.795, 18.39), (100, 81.36, 121.63)):
        rate = rate_per_hour(events, 2.0)
        assert rate["value"] == events / 2
        assert rate["low"] == pytest.approx(low / 2, rel=0.01, abs=0.01)
        assert rate["high"] == pytest.approx(high / 2, rel=0.01)
    assert rate_per_hour(3, None) == {"value": None, "low": None, "high": None}


def test_wilsons_interval_against_published_values() -> None:
    """Newcombe (1998), Statistics in Medicine 17, table I: 81/263, 15/148, 0/20 and 1/29 by Wilson's score method."""
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
                                         (1, 29, 0.0061, 0.1718)):  # fmt: skip
        assert wilson(successes, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
