"""What a run is going to do and to cost."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isang.config import TrainingConfig
from isang.model.batches import epoch_batches
from isang.training.checkpoint import TrainingProgress
from isang.training.loop import train
from isang.training.plan import OUT_OF_PATIENCE, TOKENS_THAT_PAY, estimate, make_plan, sessions_per_step
from isang.training.processes.processes import Processes
from isang.training.step import new_learner, train_step
from tests.training.runs import MODEL, data, records

CONFIG = TrainingConfig(epochs=3, min_steps=0, batch_size=32, patience=0)


@given(
    sessions=st.integers(1, 100_000), validated=st.integers(1, 20_000), batch_size=st.integers(1, 500),
    every=st.none() | st.integers(1, 5_000),
)  # fmt: skip
def test_each_epoch_ends_with_a_validation_and_none_stands_close_before(
    sessions: int, validated: int, batch_size: int, every: int | None
) -> None:
    plan = make_plan(sessions, validated, TrainingConfig(batch_size=batch_size, validation_steps=every))
    after = [batch for batch in range(1, plan.batches_per_epoch + 1) if plan.validates_after(batch)]
    assert after[-1] == plan.batches_per_epoch
    gaps = [second - first for first, second in zip([0, *after[:-1]], after, strict=True)]
    assert all(gap == plan.validation_steps for gap in gaps[:-1])
    assert gaps[-1] <= 1.5 * plan.validation_steps
    assert len(gaps) == 1 or gaps[-1] >= plan.validation_steps / 2


def test_validations_within_an_epoch_take_a_twentieth_of_the_time() -> None:
    """20,000 sessions forward are the work of 6,667 sessions of training: a twentieth of 133,333, in batches of 64."""
    plan = make_plan(1_000_000, 20_000, TrainingConfig(batch_size=64))
    assert plan.validation_steps == math.ceil(133_333 / 64)


def test_validations_within_an_epoch_are_done_and_counted_for_patience(tmp_path: Path) -> None:
    within = dataclasses.replace(CONFIG, validation_steps=2)
    train(data(), MODEL, within, tmp_path)
    assert [record["step"] for record in records(tmp_path, "validation")] == [2, 4, 5, 7, 9, 10, 12, 14, 15]
    assert records(tmp_path, "done")[0]["best_step"] in (12, 14, 15)


def test_patience_is_renewed_only_by_a_real_improvement() -> None:
    plan = make_plan(32 * 200, 1, dataclasses.replace(CONFIG, patience=1))
    state = TrainingProgress()
    for step in range(1, 401):
        state.count(loss_sum=1.0, events=1, seconds=0.0)
        if step % 100 == 0:
            assert state.judge(1.0 - 1e-7 * step) is True, "a little better is the best all the same"
        if plan.reason_to_stop(state) is not None:
            break
    assert plan.reason_to_stop(state) == OUT_OF_PATIENCE
    assert state.step == 300, "the first validation is an improvement; 200 steps of patience follow"
    assert state.best_step == 300


def test_a_step_has_about_as_many_tokens_whatever_the_sessions_length() -> None:
    """700 tokens: 64 short sessions at most, 28 of 25 tokens, 8 long ones at least; what the user says stands."""
    for length, expected in ((5, 64), (25, 28), (100, 8), (1_000, 8)):
        assert sessions_per_step(TrainingConfig(), 1_000, 1_000 * length) == expected
    assert sessions_per_step(TrainingConfig(batch_size=3), 1_000, 5_000) == 3


@given(st.integers(1, 10**7), st.integers(1, 200))
def test_ten_times_the_logs_cost_little_more_than_twice_as_much(sessions: int, length: int) -> None:
    def cost(sessions: int) -> float:
        plan = make_plan(sessions, 1, TrainingConfig(min_steps=0), tokens=sessions * length)
        return plan.steps * plan.batch_size * length

    assert cost(10 * sessions) <= 2.2 * max(cost(sessions), TOKENS_THAT_PAY) + 2 * 64 * length


def test_a_number_of_epochs_that_the_user_names_is_done() -> None:
    plan = make_plan(10**6, 1, TrainingConfig(epochs=4, batch_size=64), tokens=10**8)
    assert (plan.epochs, plan.batches_per_epoch) == (4, 15_625)


def test_the_rate_runs_its_full_course_in_the_time_that_there_is() -> None:
    """100 steps and 60 seconds: 10 steps in 30 seconds are half of the schedule, 90 steps in 30 seconds 90 % of it."""
    plan = make_plan(32 * 100, 1, dataclasses.replace(CONFIG, epochs=1, max_minutes=1.0))
    slow, fast, over = (
        TrainingProgress(step=step, seconds=seconds) for step, seconds in ((10, 30), (90, 30), (12, 61))
    )
    assert plan.learning_rate(slow) == pytest.approx(plan.schedule(49.5))
    assert plan.learning_rate(fast) == plan.schedule(90)
    assert plan.learning_rate(over) == pytest.approx(CONFIG.final_rate_fraction * CONFIG.learning_rate)


def test_the_estimate_changes_nothing_and_counts_the_tokens() -> None:
    learner = new_learner(MODEL, data().vocabulary_size, CONFIG, Processes())
    before = {name: weights.clone() for name, weights in learner.model.state_dict().items()}
    batches = epoch_batches(data().training.lengths, CONFIG.batch_size, CONFIG.seed, 0)
    cost = estimate(learner, data(), make_plan(160, 40, CONFIG), batches)
    assert cost.tokens == 3 * data().training.lengths.sum()
    assert cost.seconds > 0
    assert cost.memory_bytes > 2**20
    assert not any(tensor.any() for tensor in learner.optimizer.state().values())
    assert all(torch.equal(weights, before[name]) for name, weights in learner.model.state_dict().items())


def test_a_batch_in_parts_has_the_gradient_of_the_whole() -> None:
    """Up to the order in which float32 sums are made."""
    still = dataclasses.replace(MODEL, dropout=0.0)
    batch = data().training
    steps = {}
    for tokens in (10**6, 200, 1):
        learner = new_learner(
            still, data().vocabulary_size, dataclasses.replace(CONFIG, tokens_per_pass=tokens), Processes()
        )
        step = train_step(learner, batch, 1e-3, 0)
        gradients = torch.cat([part.grad.flatten() for part in learner.model.parameters() if part.grad is not None])
        steps[tokens] = (step, gradients)
    whole, gradients = steps[10**6]
    for step, in_parts in steps.values():
        assert step.events == whole.events
        assert step.loss_sum == pytest.approx(whole.loss_sum, rel=1e-6)
        assert torch.allclose(in_parts, gradients, rtol=1e-3, atol=1e-6)
