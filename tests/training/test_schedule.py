"""The learning rate over the steps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.training.schedule import Schedule


@given(st.integers(2, 5_000), st.floats(0, 0.9))
def test_the_rate_peaks_once_and_ends_at_its_final_value(steps: int, warmup: float) -> None:
    schedule = Schedule(steps, max(1, round(warmup * steps)), 1e-3, 1e-5)
    rates = [schedule(step) for step in range(steps)]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(1e-3)
    assert rates[: top + 1] == sorted(rates[: top + 1]), "it rises to the peak"
    assert rates[top:] == sorted(rates[top:], reverse=True), "and never rises again"
    if schedule.warmup_steps < steps - 1:
        assert rates[-1] == pytest.approx(1e-5)


def test_a_rate_worked_out_by_hand() -> None:
    """Warm-up of 2 steps to 1, then 4 decay steps over a half cosine to 0: 1, .75, .25 after 0, 1/3, 2/3 of it."""
    schedule = Schedule(6, 2, 1.0, 0.0)
    assert [round(schedule(step), 6) for step in range(6)] == [0.5, 1.0, 1.0, 0.75, 0.25, 0.0]
