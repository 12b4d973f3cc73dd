"""The number of threads for a training step: in a small step, threads wait for each other longer than they compute.

On the CPU the halves of a batch are computed in parallel. The arithmetic of a half does not depend on the thread that
computes it, so the number of threads does not change the result as long as each half has one thread.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

from isang.threads import side_by_side

HALVES = 2
FLOPS_EACH = 5e9
"""Floating-point operations per step that justify one more thread, measured on two cores: with 1.4e9 (a small log's
model) one thread does 26 steps a second and two do 14 to 26; with 14e9 one does 5 and two do 7."""
FLOPS_PER_PARAMETER = 6
"""Floating-point operations per token and parameter, forward and backward (Kaplan et al. 2020, section 2.1)."""


def threads_for(parameters: int, tokens: float, available: int) -> int:
    """The number of threads for work on this many tokens, from 1 to those available."""
    return max(1, min(available, round(FLOPS_PER_PARAMETER * parameters * tokens / FLOPS_EACH)))


@contextmanager
def step_threads(model: torch.nn.Module, tokens: float) -> Iterator[ThreadPoolExecutor | None]:
    """The thread pool for the halves of steps of this many tokens; None if a single thread does both.

    Within this context, torch uses `threads_for` such a step for everything that is not halved.
    """
    before, parameters = torch.get_num_threads(), sum(each.numel() for each in model.parameters())
    torch.set_num_threads(threads_for(parameters, tokens, before))
    try:
        yield side_by_side(HALVES, threads_for(parameters, tokens / HALVES, before // HALVES)) if before > 1 else None
    finally:
        torch.set_num_threads(before)
