"""Detection quality against answers made by hand and definitions written out."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.detection.metrics import (
    Counts,
    average_precision,
    average_precision_with_interval,
    confusion,
    share,
    wilson,
    with_intervals,
)

flags = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60)


def test_a_table_worked_out_by_hand() -> None:
    """8 of 10 anomalies found among 12 alerts on 100 sessions."""
    metrics = with_intervals(Counts(true_positives=8, false_positives=4, false_negatives=2, true_negatives=86))
    assert metrics["precision"]["value"] == pytest.approx(8 / 12)
    assert metrics["recall"]["value"] == pytest.approx(0.8)
    assert metrics["f1"]["value"] == pytest.approx(2 * (8 / 12) * 0.8 / (8 / 12 + 0.8))
    assert metrics["accuracy"]["value"] == pytest.approx(0.94)
    for metric in metrics.values():
        assert metric["low"] is not None
        assert metric["low"] < metric["value"] < metric["high"]  # type: ignore[operator]


def test_what_is_undefined_stays_undefined() -> None:
    nothing_fired = with_intervals(Counts(0, 0, 5, 95))
    assert nothing_fired["precision"] == {"value": None, "low": None, "high": None}
    assert nothing_fired["recall"]["value"] == 0
    nothing_to_find = with_intervals(Counts(0, 3, 0, 97))
    assert nothing_to_find["recall"]["value"] is None
    assert nothing_to_find["f1"]["value"] is None
    assert with_intervals(Counts(0, 0, 0, 0))["accuracy"]["value"] is None
    assert math.isnan(average_precision(np.array([1.0, 2.0]), np.array([False, False])))
    assert share(0, 0) == {"value": None, "low": None, "high": None}


@given(flags)
def test_the_confusion_table_counts_every_session_once(pairs: list[tuple[bool, bool]]) -> None:
    flagged, anomalous = (np.array(side, dtype=bool) for side in zip(*pairs, strict=True))
    table = confusion(flagged, anomalous)
    assert sum(vars(table).values()) == len(pairs)
    assert table.true_positives == sum(one and two for one, two in pairs)


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


def test_average_precision_has_an_interval_around_it() -> None:
    generator = np.random.default_rng(0)
    anomalous = generator.random(400) < 0.1
    metric = average_precision_with_interval(generator.normal(size=400) + 2 * anomalous, anomalous)
    assert metric["low"] is not None
    assert metric["low"] < metric["value"] < metric["high"]  # type: ignore[operator]


def test_wilsons_interval_against_published_values() -> None:
    """Newcombe (1998), Statistics in Medicine 17, table I: 81/263, 15/148, 0/20 and 1/29 by Wilson's score method."""
    for successes, trials, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
                                         (1, 29, 0.0061, 0.1718)):  # fmt: skip
        assert wilson(successes, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
