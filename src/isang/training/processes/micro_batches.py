"""Gradient accumulation: a batch in parts that fit into memory, whose gradients add up to those of the whole."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isang.errors import InputError
from isang.model.batches import Rows
from isang.progress import say


@dataclass
class Budget:
    """Maximum number of tokens in one forward and backward pass. It shrinks for good when memory runs out."""

    tokens: int

    def shrink(self, lengths: NDArray[np.int64]) -> None:
        """Halve the largest part of `lengths`. Raises InputError if that was a single session."""
        largest = max(parts(lengths, self.tokens), key=lambda rows: int(lengths[rows].sum()))
        if len(largest) == 1:
            raise InputError(
                f"one session of {lengths[largest[0]]:,} tokens does not fit into the device's memory; choose a "
                f"smaller --preset, or fewer positions under [model] in the settings file"
            )
        self.tokens = max(1, int(lengths[largest].sum()) // 2)


def parts(lengths: NDArray[np.int64], tokens: int) -> Iterator[Rows]:
    """Runs of consecutive sessions with at most `tokens` tokens in total, or one session that is longer."""
    ends = np.cumsum(lengths)
    start = 0
    while start < len(lengths):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + tokens, side="right")))
        yield np.arange(start, stop)
        start = stop


def split(lengths: NDArray[np.int64], rows: Rows, count: int) -> list[Rows]:
    """`count` consecutive parts of the sessions `rows` with about the same number of tokens; some may be empty."""
    ends = np.cumsum(lengths[rows])
    edges = np.searchsorted(ends, ends[-1] * np.arange(1, count) / count, side="left") + 1
    return np.split(rows, np.minimum(edges, len(rows)))


def accumulate(
    lengths: NDArray[np.int64],
    budget: Budget,
    one_pass: Callable[[Rows], Tensor],
    begin: Callable[[], None],
) -> float:
    """The sum of `one_pass` over the parts of a batch with sessions of these `lengths`.

    If memory runs out, the budget is halved and the batch is restarted; `begin` clears what was accumulated.
    """
    while True:
        begin()
        try:
            passes = [one_pass(rows) for rows in parts(lengths, budget.tokens)]
            return float(torch.stack(passes).double().sum()) if passes else 0.0
        except torch.OutOfMemoryError:
            pass  # the exception refers to the pass's tensors: it must be dropped before memory can be freed
        budget.shrink(lengths)
        say(f"memory does not suffice: from now on at most {budget.tokens:,} tokens per pass; the batch stays the same")
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
