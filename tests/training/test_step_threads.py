"""A small step gets one thread, a large one all that there are, and nobody else notices."""

import numpy as np
import pytest
import torch

from isang.config import TrainingConfig
from isang.threads import side_by_side
from isang.training.objective import validate
from isang.training.processes.micro_batches import split
from isang.training.processes.processes import Processes
from isang.training.step import new_learner, train_step
from isang.training.step_threads import HALVES, step_threads, threads_for
from tests.training.runs import MODEL, data

CONFIG = TrainingConfig(batch_size=8)


@pytest.mark.parametrize(
    ("parameters", "tokens", "available", "threads"),
    [(340_000, 700, 8, 1), (3_200_000, 700, 2, 2), (3_200_000, 700, 8, 3), (100_000_000, 4_000, 16, 16), (1, 0, 4, 1)],
)
def test_threads_follow_the_work_of_a_step(parameters: int, tokens: float, available: int, threads: int) -> None:
    assert threads_for(parameters, tokens, available) == threads


def test_the_threads_of_others_stay() -> None:
    before = torch.get_num_threads()
    with step_threads(torch.nn.Linear(2, 2), 10):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_halves_side_by_side_change_no_number() -> None:
    """Neither a step, with dropout, nor a validation."""
    results = []
    for threads in (None, side_by_side(HALVES)):
        learner = new_learner(MODEL, data().vocabulary_size, CONFIG, Processes())
        learner.threads = threads
        steps = [train_step(learner, data().training, 1e-3, number) for number in range(3)]
        found = validate(learner.model, data().validation, CONFIG, Processes(), threads)
        weights = torch.cat([each.detach().flatten() for each in learner.model.parameters()])
        results.append(([(step.loss_sum, step.gradient_norm) for step in steps], found.loss, weights))
    (alone, loss, weights), (together, other, same) = results
    assert (alone, loss) == (together, other)
    assert torch.equal(weights, same)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_batch_is_split_by_its_tokens(count: int) -> None:
    lengths, rows = np.array([9, 2, 3, 3, 4, 40]), np.arange(1, 6)
    parts = split(lengths, rows, count)
    assert len(parts) == count
    assert np.concatenate(parts).tolist() == rows.tolist()
    assert [part.tolist() for part in split(lengths, np.arange(5), 2)] == [[0, 1], [2, 3, 4]]
