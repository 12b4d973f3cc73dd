"""A small step gets one thread, a large one all that there are, and nobody else notices."""

import pytest
import torch

from isang.training.step_threads import step_threads, threads_for


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
