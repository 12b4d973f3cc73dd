"""The units of a bootstrap: single sessions if they are independent, else blocks of consecutive sessions.

Faults and false alarms come in runs. Drawing sessions one by one would then give intervals that are too narrow.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST_BLOCKS = 20
"""Minimum number of blocks to draw from, if there are as many sessions; it limits the length of blocks."""


@dataclass(frozen=True)
class Blocks:
    """S sessions in B blocks of neighbours."""

    of_session: NDArray[np.int64]
    """The block of each session, shape S; ascending from 0."""
    length: int
    """Sessions per block, at most."""

    @property
    def count(self) -> int:
        """The number of blocks B."""
        return int(self.of_session[-1]) + 1 if len(self.of_session) else 0

    def of(self, chosen: Flags) -> "Blocks":
        """The blocks of the `chosen` sessions alone, without those that are left empty."""
        return Blocks(np.unique(self.of_session[chosen], return_inverse=True)[1], self.length)

    def sums(self, values_NS: NDArray[np.int64]) -> NDArray[np.int64]:
        """The sum of each row of `values_NS` over each block, shape (N, B)."""
        starts = np.searchsorted(self.of_session, np.arange(self.count))
        return np.add.reduceat(values_NS, starts, axis=1)

    def draws(self, samples: int, seed: int) -> Iterator[Floats]:
        """`samples` times: how often each session is in a draw of B blocks with replacement, shape S."""
        generator = np.random.default_rng(seed)
        for _ in range(samples):
            times_B = np.bincount(generator.integers(0, self.count, self.count), minlength=self.count)
            times_S = times_B.astype(np.float64)
            yield times_S if self.count == len(self.of_session) else times_S[self.of_session]


def time_blocks(*outcomes: Flags) -> Blocks:
    """Blocks for sessions in the order of time, long enough that what happened in one says little of the next.

    Each of `outcomes` has shape S. A block is twice as long as the lag from which the outcomes are no longer
    correlated (within 2 / sqrt(S) of zero); where neighbours are not correlated at all, each session is its own block.
    """
    sessions = len(outcomes[0])
    longest = max(1, sessions // FEWEST_BLOCKS)
    lag = max(_correlated_until(outcome, longest) for outcome in outcomes)
    length = min(longest, 2 * lag) if lag else 1
    return Blocks(np.arange(sessions, dtype=np.int64) // length, length)


def _correlated_until(outcome: Flags, longest: int) -> int:
    """The number of lags, from 1 on without a gap, at which `outcome` is correlated with itself; at most `longest`."""
    sessions = len(outcome)
    if sessions < 2 or outcome.all() or not outcome.any():
        return 0
    spectrum = np.fft.rfft(outcome - outcome.mean(), 2 * sessions)  # padded, so that the ends do not meet
    covariance = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 1]
    alike = covariance[1:] > 2 / np.sqrt(sessions) * covariance[0]
    return longest if alike.all() else int(np.argmin(alike))
