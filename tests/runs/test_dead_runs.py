"""A run whose loss or gradient has broken down is a problem, named for what it is; one that learned its task is not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.runs.finding import RunContext
from isang.runs.findings import judge
from isang.runs.findings.progress.descent import decreasing
from isang.runs.read.table import Floats, RunTable
from isang.runs.statistics.dead_stretch import dead_stretch
from isang.runs.statistics.level_shift import level_shift
from tests.runs.test_judging import decay, noise, run, verdict


def dying(n: int, at: int, value: float, seed: int = 0) -> Floats:
    loss = np.round(decay(n, seed), 4)
    loss[at:] = value
    return loss


@pytest.mark.parametrize(("n", "at", "value"), [(120, 39, 0.0), (120, 100, 0.0), (2000, 900, 0.0), (400, 60, 11.93)])
def test_a_loss_that_stops_changing_is_a_problem_from_its_first_step(n: int, at: int, value: float) -> None:
    found = {finding.id: finding for finding in judge(run(dying(n, at, value)))}
    assert found["decreasing"].verdict == "problem"
    assert found["decreasing"].evidence["first_step"] == at + 1
    if value == 0.0:
        assert "exactly 0" in found["decreasing"].statement["en"]
    for name in ("divergence", "spikes", "stability", "convergence", "stopping_point"):
        assert found[name].verdict == "not_applicable"
        assert f"{at + 1:,}" in found[name].statement["en"]


def test_a_loss_that_never_changes_is_named_for_what_it_is() -> None:
    found = verdict(run(np.full(300, 0.6931)), "decreasing")
    assert (found.verdict, found.evidence["guessing_classes"]) == ("problem", 2)
    assert "ln 2" in found.statement["en"]
    assert "never changes" in found.statement["en"]
    assert verdict(run(np.full(300, 1.234)), "decreasing").evidence["guessing_classes"] is None


def test_a_loss_that_was_learned_down_to_its_last_digit_is_not_dead() -> None:
    learned = np.round(3 * np.exp(-np.arange(1500) / 60) * (1 + 0.02 * noise(1500, 0.0, 1)), 4)
    assert (learned[-300:] == 0).all()
    assert dead_stretch(learned) is None
    assert verdict(run(learned), "decreasing").verdict == "ok"


def test_a_hinge_loss_that_is_often_zero_is_not_dead() -> None:
    hinge = np.maximum(noise(600, 0.0, 2), 0.0) * np.linspace(1.0, 0.2, 600)
    hinge[-12:] = 0.0
    assert dead_stretch(hinge) is None


@given(st.integers(60, 200), st.floats(0.1, 100.0), st.integers(1, 60))
def test_noise_is_never_dead_and_a_frozen_end_is(n: int, scale: float, seed: int) -> None:
    values = scale * (3 + noise(n, 0.3, seed))
    assert dead_stretch(values) is None
    frozen = np.concatenate([values, np.full(40, values[-1])])
    found = dead_stretch(frozen)
    assert found is not None
    assert (found.first, found.value) == (n - 1, values[-1])


def test_a_gradient_norm_of_nan_to_the_end_is_a_problem_and_a_skipped_step_is_not() -> None:
    norm = np.ones(400)
    norm[200:] = np.nan
    table = run(decay(400), gradient_norm=norm)
    broken = RunTable(**{**table.__dict__, "logged_nan": {"gradient_norm": np.arange(200, 400)}})
    found = verdict(broken, "finite")
    assert found.verdict == "problem"
    assert found.evidence["series"][0]["count"] == 200
    assert "gradient norm is NaN or infinite at 200 steps" in found.statement["en"]
    skipped = np.ones(400)
    skipped[3] = np.inf
    found = verdict(run(decay(400), gradient_norm=skipped), "finite")
    assert found.verdict == "ok"
    assert "mixed precision" in found.statement["en"]


def test_a_gradient_of_zero_counts_while_the_loss_stays() -> None:
    norm = 1 + 0.1 * noise(400, 0.0, 3)
    norm[150:] = 0.0
    flat = np.concatenate([decay(150), 0.7 + 0.01 * noise(250, 0.0, 4)])
    table = run(flat, gradient_norm=norm)
    found = decreasing(table, RunContext(table))
    assert (found.verdict, found.evidence["outcome"], found.evidence["first_step"]) == ("problem", "no gradient", 151)
    learning = run(decay(400), gradient_norm=np.zeros(400))
    assert decreasing(learning, RunContext(learning)).verdict == "ok", "a norm that was never filled in is no fault"


@pytest.mark.parametrize("memory", [0.0, 0.8])
def test_a_jump_to_a_level_that_stays_is_divergence_and_no_convergence(memory: float) -> None:
    loss = 0.1 + 0.3 * np.exp(-np.arange(400) / 50) + 0.005 * noise(400, memory, 5)
    loss[180:] += 0.59
    found = {finding.id: finding for finding in judge(run(loss))}
    assert found["divergence"].verdict == "problem"
    assert found["divergence"].evidence["jump_step"] == 181
    assert found["convergence"].verdict != "ok"
    assert found["decreasing"].verdict != "ok"


def test_noise_and_single_spikes_are_no_level_shift() -> None:
    for seed in range(40):
        loss = 3 + 0.1 * noise(300, (0.0, 0.5, 0.95)[seed % 3], seed, heavy=seed % 2 == 0)
        assert level_shift(loss) is None
    spiky = 3 + 0.01 * noise(300, 0.0, 1)
    spiky[[100, 200, 297]] += 5
    assert level_shift(spiky) is None


@given(st.floats(0.01, 100), st.floats(-5, 5))
def test_a_level_shift_depends_on_neither_unit_nor_level(unit: float, level: float) -> None:
    values = np.round(noise(200, 0.2, 9), 3)
    values[120:] += 30
    found = level_shift(unit * values + level)
    assert found is not None
    assert found.position == 120


def test_no_dead_run_is_called_fine() -> None:
    """Each way to die leaves a problem."""
    n = 300
    ways = {
        "zero": dying(n, 120, 0.0), "stuck": dying(n, 120, math.log(10)),
        "nan": np.where(np.arange(n) < 200, decay(n), np.nan),
        "flat from the start": np.round(2.3026 + 0.0005 * noise(n, 0.2, 7), 4),
        "jump": decay(n) + 5.0 * (np.arange(n) > 200),
    }  # fmt: skip
    for way, loss in ways.items():
        assert any(finding.verdict == "problem" for finding in judge(run(loss))), way
