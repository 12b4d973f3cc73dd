"""Laws of the calibration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.detection.threshold.calibration import (
    BURST_SHARE,
    attainable_per_thousand,
    bursts_once,
    combine,
    decide,
    effective_number,
    fit_tail,
    limits,
)

scores = st.lists(st.floats(-50, 50), min_size=2, max_size=80).map(np.array)


def test_p_values_worked_out_by_hand() -> None:
    """Four calibration scores 1 2 3 4: (1 + how many are at least as high) / 5."""
    tail = fit_tail(np.array([4.0, 1, 3, 2]), least_scale=0.25)
    assert tail.p_values(np.array([0.0, 1, 2.5, 4])).tolist() == [1.0, 1.0, 0.6, 0.4]
    beyond = tail.p_values(np.array([4.0 + 1e-9, 5, 50]))
    assert beyond[0] == pytest.approx(0.2)
    assert beyond[0] > beyond[1] > beyond[2] > 0


@given(scores, scores)
def test_p_values_lie_between_0_and_1_and_fall_with_the_score(calibration: np.ndarray, asked: np.ndarray) -> None:
    p_values = fit_tail(calibration, 0.025).p_values(np.sort(asked))
    assert ((p_values > 0) & (p_values <= 1)).all()
    assert (np.diff(p_values) <= 0).all()


@pytest.mark.parametrize("budget", [0.01, 0.05])
def test_the_false_alarm_rate_of_exchangeable_scores_keeps_the_budget(budget: float) -> None:
    """Vovk's guarantee: over many draws of calibration and new session, P(p <= budget) <= budget."""
    generator = np.random.default_rng(1)
    alarms = 0
    for _ in range(4_000):
        drawn = generator.standard_t(3, size=200)
        alarms += int(fit_tail(drawn[:-1], 0.01).p_values(drawn[-1:])[0] <= budget)
    assert alarms / 4_000 <= budget + 3 * np.sqrt(budget / 4_000)


def test_several_detectors_together_keep_the_budget_too() -> None:
    """Four independent detectors, 999 calibration sessions, 40 false alarms per 1,000 asked for."""
    generator = np.random.default_rng(2)
    tails = [fit_tail(generator.normal(size=999), 0.01) for _ in range(4)]
    p_values = np.stack([tail.p_values(generator.normal(size=20_000)) for tail in tails])
    rate = np.mean([decision.anomalous for decision in decide(combine(p_values, limits(tails, 0.04, 4), 0.04), 40)])
    assert 0.03 < rate < 0.05


def test_what_was_never_seen_in_calibration_is_rare() -> None:
    """All 500 calibration sessions score 0: one unit more is beyond a budget of 1 in 1,000 for each of 4 detectors."""
    p_value = fit_tail(np.zeros(500), least_scale=0.25).p_values(np.array([1.0]))[0]
    assert p_value < 0.001 / 4


def test_an_allowance_shifts_the_scores() -> None:
    calibration, asked = np.arange(10.0), np.linspace(-3, 15, 40)
    plain, allowing = fit_tail(calibration, 0.5), fit_tail(calibration, 0.5, allowance=2.0)
    assert allowing.p_values(asked).tolist() == plain.p_values(asked - 2.0).tolist()


def test_few_calibration_sessions_make_a_detector_less_exact_and_not_silent() -> None:
    """19 sessions that all score 0: whatever is 2 scales beyond them is an alert, however small the budget."""
    few, many = fit_tail(np.zeros(19), 1.0), fit_tail(np.zeros(99_999), 1.0)
    assert many.share(0.001) == 0.001
    assert few.share(0.001) == pytest.approx(1.4**-5 / 20), "5 excesses gave the scale, which is trusted 2 times"
    p_values = np.stack([few.p_values(np.array([1.9, 2.1])), many.p_values(np.array([0.0, 0.0]))])
    decisions = decide(combine(p_values, limits([few, many], 0.001, 2), 0.001), 1.0)
    assert [decision.anomalous for decision in decisions] == [False, True]


@given(st.lists(scores, min_size=1, max_size=4), st.floats(0.0001, 0.5))
def test_combined_p_values_are_within_the_budget_where_some_detector_is_within_its_share(
    calibrations: list[np.ndarray], asked: float
) -> None:
    tails = [fit_tail(calibration, 0.5) for calibration in calibrations]
    p_values = np.stack([tail.p_values(np.linspace(-60, 60, 50)) for tail in tails])
    spoken = np.stack(
        [p <= tail.share(asked / len(tails)) * (1 + 1e-12) for tail, p in zip(tails, p_values, strict=True)]
    )
    combined = combine(p_values, limits(tails, asked, len(tails)), asked)
    assert (combined[spoken.any(axis=0)] <= asked * (1 + 1e-9)).all()
    assert (combined[~spoken.any(axis=0)] > asked * (1 - 1e-9)).all()


def test_beyond_calibration_the_rate_is_right_within_a_factor_of_two() -> None:
    """Exponential scores of 19 sessions: p-values 10 times smaller than these can show."""
    generator = np.random.default_rng(3)
    alarms = 0
    for _ in range(6_000):
        drawn = generator.exponential(size=20)
        alarms += int(fit_tail(drawn[:-1], 1e-6).p_values(drawn[-1:])[0] <= 0.005)
    assert 0.5 * 0.005 < alarms / 6_000 < 2 * 0.005


def test_the_effective_number_counts_equal_detectors_once_and_silent_ones_not_at_all() -> None:
    generator = np.random.default_rng(4)
    independent = generator.exponential(size=(4, 20_000))
    equal, silent = np.repeat(independent[:1], 4, axis=0), np.zeros((4, 20_000))
    for scores_DC, expected in ((independent, (1 - 0.95**4) / 0.05), (equal, 1.0), (silent, 1.0)):
        tails = [fit_tail(scores_C, 0.5) for scores_C in scores_DC]
        assert effective_number(scores_DC, tails) == pytest.approx(expected, rel=0.08)


def test_with_few_sessions_the_effective_number_is_that_of_the_detectors() -> None:
    few = np.random.default_rng(5).exponential(size=(4, 10))
    assert effective_number(few, [fit_tail(scores_C, 0.5) for scores_C in few]) == 4
    assert effective_number(few[:, :0], [fit_tail(scores_C, 0.5) for scores_C in few]) == 4


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.95])
def test_detectors_that_agree_keep_the_budget_together(shared: float) -> None:
    """Six detectors that see partly the same, 1,999 calibration sessions, 20 false alarms per 1,000 asked for."""
    generator = np.random.default_rng(6)

    def drawn(sessions: int) -> np.ndarray:
        scores: np.ndarray = np.sqrt(shared) * generator.normal(size=sessions)
        return scores + np.sqrt(1 - shared) * generator.normal(size=(6, sessions))

    calibration, later = drawn(1_999), drawn(40_000)
    tails = [fit_tail(scores_C, 0.01) for scores_C in calibration]
    p_values = np.stack([tail.p_values(scores_S) for tail, scores_S in zip(tails, later, strict=True)])
    combined = combine(p_values, limits(tails, 0.02, effective_number(calibration, tails)), 0.02)
    bonferroni = combine(p_values, limits(tails, 0.02, 6), 0.02)
    assert (bonferroni <= 0.02).mean() <= (combined <= 0.02).mean() < 0.026


def test_a_burst_of_equal_scores_counts_once_and_what_comes_back_each_time() -> None:
    scores = np.zeros(1_000)
    scores[500:510] = 9.0  # ten in a row
    scores[[100, 900]] = 5.0  # the same at two times
    scores[[300, 310]] = 4.0  # one per cent of the sessions apart
    scores[[600, 611]] = 3.0  # farther than that
    assert bursts_once(scores)[-6:].tolist() == [3, 3, 4, 5, 5, 9]
    assert (bursts_once(scores) == 0).sum() == 984, "what is common counts in full"
    tail = fit_tail(scores, 0.01)
    assert tail.p_values(np.array([9.0, 5.0, 3.0])) * 1_001 == pytest.approx(np.array([2, 4, 7]))
    assert len(tail.ordered) == 1_000


@given(scores, st.integers(1, 300))
def test_bursts_take_nothing_from_scores_that_are_all_different_or_few(values: np.ndarray, times: int) -> None:
    once = bursts_once(np.repeat(values, times))
    assert set(once.tolist()) == set(values.tolist())
    assert (np.diff(once) >= 0).all()
    assert bursts_once(np.unique(values)).tolist() == np.unique(values).tolist()
    if len(values) < 1 / BURST_SHARE:
        assert len(bursts_once(np.unique(values))) == len(np.unique(values))


def test_shares_of_the_budget_move_it_between_detectors_and_not_beyond() -> None:
    """Two detectors, 9,999 calibration sessions, 10 false alarms per 1,000 asked for, three quarters to the first."""
    generator = np.random.default_rng(7)
    tails = [fit_tail(generator.normal(size=9_999), 0.01) for _ in range(2)]
    limits_D = limits(tails, 0.01, 2, np.array([1.5, 0.5]))
    assert limits_D == pytest.approx([0.0075, 0.0025])
    p_values = np.stack([tail.p_values(generator.normal(size=100_000)) for tail in tails])
    assert (p_values <= limits_D[:, None]).mean(axis=1) == pytest.approx(limits_D, rel=0.35)
    assert (combine(p_values, limits_D, 0.01) <= 0.01).mean() == pytest.approx(0.01, rel=0.25)


def test_a_decision_says_its_threshold() -> None:
    rare, common = decide(np.array([1e-5, 0.5]), 1.0)
    assert rare.anomalous
    assert not common.anomalous
    assert rare.score == pytest.approx(5)
    assert rare.threshold == common.threshold == pytest.approx(3)


def test_the_supported_budget() -> None:
    assert attainable_per_thousand(3_999, 4) == pytest.approx(1.0)
