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


def noise(n: int, memory: float, kind: str, rng: np.random.Generator) -> Floats:
    """AR(1) noise of standard deviation 1 (scale 1 for t3), after a warm-up."""
    drawn = rng.standard_normal(n + 300) if kind == "normal" else rng.standard_t(3, n + 300)
    values = np.zeros(n + 300)
    for index in range(1, n + 300):
        values[index] = memory * values[index - 1] + drawn[index]
    result: Floats = values[300:] * np.sqrt(1 - memory**2)
    return result
