"""The threads that a training step is worth: those of a small step wait for each other longer than they compute.

On the CPU the halves of a batch are computed side by side. Each half is the same arithmetic whoever computes it, so the
number of threads changes no number where each half has one.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

from isang.threads import side_by_side

HALVES = 2
FLOPS_EACH = 5e9
"""A thread more pays from so many floating-point operations of a step on, measured on two cores: of 1.4e9 (a small
log's model) one thread makes 26 steps a second and two make 14 to 26; of 14e9 one makes 5 and two make 7."""
FLOPS_PER_PARAMETER = 6
"""Of a token, forward and backward (Kaplan et al. 2020, section 2.1)."""


def threads_for(parameters: int, tokens: float, available: int) -> int:
    """The threads for work on so many tokens, from 1 to those available."""
    return max(1, min(available, round(FLOPS_PER_PARAMETER * parameters * tokens / FLOPS_EACH)))


@contextmanager
def step_threads(model: torch.nn.Module, tokens: float) -> Iterator[ThreadPoolExecutor | None]:
    """The threads for the halves of steps of so many tokens; None where there is one alone, which does both.

    Within this, torch computes what is not halved with as many threads as such a step is worth.
    """
    before, parameters = torch.get_num_threads(), sum(each.numel() for each in model.parameters())
    torch.set_num_threads(threads_for(parameters, tokens, before))
    try:
        yield side_by_side(HALVES, threads_for(parameters, tokens / HALVES, before // HALVES)) if before > 1 else None
    finally:
        torch.set_num_threads(before)
