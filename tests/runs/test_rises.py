"""How far a validation loss rises after its best: drops, rises that level off, small rises, few values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.runs.finding import Finding
from isang.runs.findings import RunContext
from isang.runs.findings.generalisation import LEAST_RISE, overfitting
from isang.runs.read.table import RunSource, RunTable
from isang.runs.statistics.overfitting_rise import FEWEST_VALIDATIONS, after_drops, rise_after_best


def noise(count: int, memory: float, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(count + 200)
    for index in range(1, count + 200):
        drawn[index] += memory * drawn[index - 1]
    return drawn[200:] * np.sqrt(1 - memory**2)


def judged(validation: np.ndarray) -> Finding:
    """The verdict on a run that validates after every step, its training loss falling throughout."""
    count = len(validation)
    columns = {"batch_loss": np.geomspace(3, 0.3, count), "validation_loss": validation}
    source = RunSource("made.log", "made by hand", 0, count)
    table = RunTable("made", source, np.arange(1, count + 1), np.full(count, np.nan), columns, "batch_loss", 1.0)
    return overfitting(table, RunContext(table))


def cut_rate(after: np.ndarray) -> np.ndarray:
    """A hundred validations at 2, then a sudden drop to 1 and what comes `after` it, with noise."""
    return np.concatenate([np.full(100, 2.0), 1 + after]) + 0.02 * noise(100 + len(after), 0.3, 5)


def test_the_level_after_the_last_drop_is_found() -> None:
    twice = np.repeat([3.0, 2.0, 1.0], 40) + 0.01 * noise(120, 0.0, 1)
    assert after_drops(twice) == 80
    assert after_drops(twice[:100]) == 80
    assert after_drops(twice[:95]) == 40  # fewer than 20 values follow the second drop


@pytest.mark.parametrize(
    "values",
    [
        np.ones(60),
        np.linspace(3, 1, 60),
        np.concatenate([np.full(30, 1.0), np.full(10, 4.0), np.full(40, 2.0)]) + 0.01 * noise(80, 0.0, 2),
        1 + 5 * (np.arange(60) == 30) + 0.01 * noise(60, 0.0, 3),
    ],
    ids=["constant", "straight", "lowest before the drop", "one spike"],
)
def test_what_is_no_drop_to_a_new_level_leaves_nothing_out(values: np.ndarray) -> None:
    assert after_drops(values) == 0


def test_noise_has_no_drops() -> None:
    assert sum(after_drops(noise(100, 0.95, seed)) > 0 for seed in range(200)) <= 2


@given(st.floats(1e-6, 1e6), st.floats(-100, 100))
def test_drops_depend_on_neither_unit_nor_level(unit: float, level: float) -> None:
    values = np.repeat([3.0, 1.0], 30) + 0.1 * noise(60, 0.0, 4)
    assert after_drops(unit * (values + level)) == 30


def test_a_rise_after_the_rate_was_cut_is_overfitting() -> None:
    found = judged(cut_rate(np.linspace(0, 0.2, 60)))
    assert found.verdict == "problem"
    assert 100 < found.evidence["best_step"] < 130
    assert judged(cut_rate(np.zeros(60))).verdict == "ok"


def test_a_rise_that_levels_off_is_overfitting() -> None:
    x = np.arange(100)
    after = np.maximum(x - 8, 0)
    found = judged(0.8 + np.exp(-x / 2) + 0.4 * (1 - np.exp(-after / 8)) + 0.03 * noise(100, 0.2, 6))
    assert found.verdict == "problem"


def test_a_sure_rise_too_small_to_matter_is_said_and_is_no_problem() -> None:
    x = np.linspace(0, 1, 80)
    valley = np.maximum(0.3 - x, 0) + np.maximum(x - 0.3, 0)
    small, large = (judged(1 + size * valley + 1e-4 * noise(80, 0.0, 7)) for size in (LEAST_RISE / 2, 10 * LEAST_RISE))
    assert (small.verdict, small.evidence["cause"]) == ("ok", "small")
    assert small.evidence["rise"] > small.evidence["threshold"]
    assert "too small" in small.statement["en"]
    assert large.verdict == "problem"


def test_a_large_rise_within_the_noise_is_not_called_absent() -> None:
    falling = 1 + np.exp(-np.arange(10))
    noisy = judged(falling + np.array([0, 0.5, 0, 0.9, 0, 0.2, 0.6, 0, 0.4, 0.3]))
    assert (noisy.verdict, noisy.evidence["cause"]) == ("cannot_tell", "hidden")
    assert judged(falling).verdict == "ok"


def test_too_few_validations_still_say_what_they_show() -> None:
    found = judged(np.array([3.0, 1.5, 2.0, 2.5, 2.75]))
    assert found.verdict == "cannot_tell"
    assert found.evidence == {"validations": 5, "best": 1.5, "best_step": 2, "final": 2.75}
    assert "lowest is 1.5 at step 2" in found.statement["en"]


def test_few_values_need_a_larger_ratio() -> None:
    ratios = [rise_after_best(noise(count, 0.3, 8)).least_ratio for count in (FEWEST_VALIDATIONS, 30, 100)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[-1] < 1.05 * ratios[-1] < ratios[0]
