"""Curves with and without a rise, compared."""

import numpy as np
import pytest

from isang.runs.statistics.trend_break import valley


def noise(n: int, memory: float, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal(n + 200)
    for index in range(1, n + 200):
        drawn[index] += memory * drawn[index - 1]
    return drawn[200:] * np.sqrt(1 - memory**2)


def test_a_clear_valley_rises_and_a_descent_does_not() -> None:
    x = np.linspace(0, 1, 40)
    rising = np.abs(x - 0.4) + 0.01 * noise(40, 0.0, 1)
    falling = np.exp(-x / 0.15) + 0.01 * noise(40, 0.0, 2)
    assert valley(rising).likelihood_ratio > 50
    assert valley(falling).likelihood_ratio < 10


def test_what_is_left_around_the_right_curve_is_the_noise() -> None:
    x = np.linspace(0, 1, 60)
    added = 0.02 * noise(60, 0.0, 3)
    found = valley(2 * np.exp(-x / 0.08) + np.maximum(x - 0.5, 0) + added)
    assert np.std(found.residual - added) < 0.5 * np.std(added)


@pytest.mark.parametrize(("scale", "level"), [(1e-6, 0.0), (1e6, 0.0), (1.0, 100.0)])
def test_the_unit_and_the_level_of_the_loss_do_not_matter(scale: float, level: float) -> None:
    values = 1 + 0.1 * noise(30, 0.5, 4)
    changed = valley(scale * values + level)
    assert changed.likelihood_ratio == pytest.approx(valley(values).likelihood_ratio, rel=1e-3, abs=1e-3)


def test_a_slow_wave_is_no_rise() -> None:
    """A rise of four standard deviations in white noise is one; in noise that wanders as far by itself it is none."""
    wandering = [valley(noise(60, 0.95, seed)).likelihood_ratio > 16 for seed in range(40)]
    assert sum(wandering) <= 6
    x = np.linspace(0, 1, 60)
    rising = [valley(8 * np.maximum(x - 0.5, 0) + noise(60, 0.0, seed)).likelihood_ratio > 16 for seed in range(40)]
    assert sum(rising) >= 38


@pytest.mark.parametrize("count", [5, 6, 8, 9])
def test_few_or_equal_values_give_numbers(count: int) -> None:
    for values in (np.ones(count), np.arange(count, dtype=float), noise(count, 0.0, 5)):
        found = valley(values)
        assert found.likelihood_ratio >= 0
        assert np.isfinite(found.residual).all()
