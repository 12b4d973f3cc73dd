"""The alert budget goes to the detectors that find what was planted, and what only repeats others gets none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isang.detection.threshold.budget_allocation import LEAST_SHARE, WORTHWHILE, budget_shares
from isang.detection.threshold.calibration import combine, fit_tail, limits
from isang.detection.threshold.planted_finds import LEAST_FOUND, LEAST_POWER, needed, with_power

ASKED = 0.004
TAILS = [fit_tail(np.random.default_rng(detector).normal(size=9_999), 0.01) for detector in range(4)]


def planted(p_values: list[float], sessions: int = 100) -> np.ndarray:
    """P-values of one kind of anomaly, the same in all sessions."""
    return np.repeat(np.array(p_values)[:, None], sessions, axis=1)


def share_found(shares: np.ndarray, kinds: list[np.ndarray]) -> float:
    limits_D = limits(TAILS, ASKED, 4, shares)
    return float(np.mean([(kind <= limits_D[:, None]).any(axis=0).mean() for kind in kinds]))


def test_a_detector_that_needs_a_little_more_gets_it_from_all_others() -> None:
    """An equal share is 1 in 1,000; the second detector finds everything at 1.4 in 1,000."""
    shares = budget_shares([planted([1, 0.0014, 1, 1])], TAILS, ASKED, 4)
    assert shares == pytest.approx([5 / 6, 1.5, 5 / 6, 5 / 6])


def test_the_cheaper_of_two_comes_first() -> None:
    kinds = [planted([0.0012, 1, 1, 1]), planted([1, 0.0022, 1, 1])]
    shares = budget_shares(kinds, TAILS, ASKED, 4)
    assert share_found(shares, kinds) == 0.5, "both together would need 3.5 equal shares, and 2 are to be given away"
    assert shares[0] == 1.25


@pytest.mark.parametrize(
    "kinds",
    [
        [],
        [np.zeros((4, 0))],
        [planted([0.0005, 1, 1, 1])],
        [planted([0.5, 1, 1, 1])],
        [np.where(np.arange(100) < 100 * WORTHWHILE - 1, planted([1, 0.0014, 1, 1]), 1.0)],
    ],
    ids=["nothing planted", "a kind without sessions", "found as it is", "out of reach", "found in too few sessions"],
)
def test_where_nothing_is_to_be_gained_shares_are_equal(kinds: list[np.ndarray]) -> None:
    assert budget_shares(kinds, TAILS, ASKED, 4).tolist() == [1, 1, 1, 1]


@given(st.lists(arrays(float, (4, 30), elements=st.floats(1e-5, 0.02)), min_size=1, max_size=4))
def test_shares_keep_their_sum_and_their_least_and_never_find_less(kinds: list[np.ndarray]) -> None:
    shares = budget_shares(kinds, TAILS, ASKED, 4)
    assert shares.sum() == pytest.approx(4)
    assert (shares >= LEAST_SHARE - 1e-9).all()
    assert share_found(shares, kinds) >= share_found(np.ones(4), kinds)


LIMITS, TESTED = np.full(4, 0.001), np.array([True, True, True, False])


def test_what_others_find_anyway_is_not_needed() -> None:
    """The first finds all that the second does and more; the third has a kind of its own."""
    kinds = [planted([0, 0, 1, 0]), planted([0, 1, 1, 1]), planted([1, 1, 0, 1])]
    assert needed(kinds, LIMITS, TESTED, TAILS).tolist() == [True, False, True, True]
    half = np.where(np.arange(100) < 50, planted([0, 0, 1, 1]), planted([1, 0, 1, 1]))
    assert needed([half], LIMITS, TESTED, TAILS).tolist() == [True, True, True, True]


def test_of_two_that_find_the_same_the_one_whose_tail_is_known_from_more_sessions_stays() -> None:
    few = [fit_tail(np.arange(50.0), 0.01), *TAILS[1:]]
    both = [planted([0, 0, 1, 1])]
    assert needed(both, LIMITS, TESTED, few).tolist() == [False, True, True, True]
    assert needed(both, LIMITS, TESTED, [TAILS[0], few[0], *TAILS[2:]]).tolist() == [True, False, True, True]


def test_few_finds_do_not_say_that_a_detector_is_not_needed() -> None:
    assert needed([planted([0, 0, 1, 1], LEAST_FOUND - 1)], LIMITS, TESTED, TAILS).all()
    assert needed([], LIMITS, TESTED, TAILS).all()


def test_who_is_not_needed_raises_nothing() -> None:
    assert combine(np.array([[1e-9], [0.5]]), np.array([0.0, 0.01]), 0.01).tolist() == [0.5]


def test_power_is_what_is_found_of_all_kinds() -> None:
    some = np.where(np.arange(100) < 100 * LEAST_POWER, planted([0, 0, 1, 1]), planted([1, 0, 1, 1]))
    assert with_power([some], LIMITS, TESTED).tolist() == [True, True, False, True]
    assert with_power([some, planted([1, 1, 1, 1])], LIMITS, TESTED).tolist() == [False, True, False, True]
    assert with_power([], LIMITS, TESTED).all()


@given(st.lists(arrays(float, (4, 120), elements=st.sampled_from([0.0, 1.0])), min_size=1, max_size=3))
def test_without_those_that_are_not_needed_as_much_is_found(kinds: list[np.ndarray]) -> None:
    needed_D = needed(kinds, LIMITS, TESTED, TAILS)
    for kind in kinds:
        found = kind <= LIMITS[:, None]
        assert (found[needed_D].any(axis=0) == found.any(axis=0)).all()
