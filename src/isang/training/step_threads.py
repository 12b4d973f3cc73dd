"""How many threads a training step is worth: those of a small step wait for each other longer than they compute."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

FLOPS_EACH = 5e9
"""A thread more pays from so many floating-point operations of a step on, measured on two cores: of 1.4e9 (a small
log's model) one thread makes 26 steps a second and two make 14 to 26; of 14e9 one makes 5 and two make 7."""
FLOPS_PER_PARAMETER = 6
"""Of a token, forward and backward (Kaplan et al. 2020, section 2.1)."""


def threads_for(parameters: int, tokens: float, available: int) -> int:
    """The threads for steps of so many tokens, from 1 to those available."""
    return max(1, min(available, round(FLOPS_PER_PARAMETER * parameters * tokens / FLOPS_EACH)))


@contextmanager
def step_threads(model: torch.nn.Module, tokens: float) -> Iterator[None]:
    """Within this torch computes with as many threads as steps of so many tokens are worth."""
    before, parameters = torch.get_num_threads(), sum(each.numel() for each in model.parameters())
    torch.set_num_threads(threads_for(parameters, tokens, before))
    try:
        yield
    finally:
        torch.set_num_threads(before)
