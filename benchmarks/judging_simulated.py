"""Simulated runs and noise for the tables of `judging.py`."""

import numpy as np

from isang.runs.read.table import Floats, RunSource, RunTable


def table_of(loss: Floats, **columns: Floats) -> RunTable:
    """A run with these batch losses at steps 1 to n."""
    n = len(loss)
    source = RunSource("simulated", "simulated", 0, n)
    return RunTable(
        "simulated", source, np.arange(1, n + 1), np.full(n, np.nan), {"batch_loss": loss, **columns}, "batch_loss", 1.0
    )


KINDS = ("normal", "t3", "gamma", "lognormal")
"""Innovations: normal, heavy-tailed, skewed, and skewed with a heavy tail."""


def noise(n: int, memory: float, kind: str, rng: np.random.Generator) -> Floats:
    """AR(1) noise of standard deviation 1 (scale 1 for t3), after a warm-up, with innovations of a kind of KINDS."""
    count = n + 300
    if kind == "normal":
        drawn = rng.standard_normal(count)
    elif kind == "gamma":
        drawn = (rng.gamma(2.0, 1.0, count) - 2) / np.sqrt(2)
    elif kind == "lognormal":
        drawn = (rng.lognormal(0.0, 0.8, count) - np.exp(0.32)) / np.sqrt((np.exp(0.64) - 1) * np.exp(0.64))
    else:
        drawn = rng.standard_t(3, count)
    values = np.zeros(count)
    for index in range(1, count):
        values[index] = memory * values[index - 1] + drawn[index]
    result: Floats = values[300:] * np.sqrt(1 - memory**2)
    return result
