"""Whether a run had converged is told by its validations at a high rate, where their error is known."""

from dataclasses import replace

import numpy as np
import pytest

from isang.runs.findings import RunContext
from isang.runs.read.table import RunTable
from isang.runs.statistics.validated_convergence import by_validation
from tests.runs.test_inside import BATCHES, N, journal


def annealed(fall_per_epoch: float, error: float) -> RunTable:
    """A validation at the end of each of ten epochs, falling by that part each; the rate is high in the first five."""
    at = np.where(np.arange(N) % BATCHES == BATCHES - 1, 1.0, np.nan)
    level = (1 - fall_per_epoch) ** (np.arange(N) // BATCHES)
    rate = np.where(np.arange(N) < N // 2, 1.0, 0.1)
    return journal(learning_rate=rate, validation_loss=level * at, change_error=error * level * at)


@pytest.mark.parametrize(
    ("fall", "error", "verdict"),
    [(0.10, 0.01, "problem"), (0.001, 0.001, "ok"), (0.10, 0.05, None), (0.001, 0.01, None)],
)
def test_a_change_is_judged_by_its_error(fall: float, error: float, verdict: str | None) -> None:
    found = by_validation(RunContext(annealed(fall, error)), BATCHES, "epoch", "에폭")
    assert (found and found.verdict) == verdict
    if found is not None:
        change = found.evidence["while_rate_was_high"]
        assert (change["first_step"], change["last_step"]) == (200, 250), "the last epoch at a high rate"
        assert change["percent"] == pytest.approx(-100 * fall / (1 - fall))
        assert change["error_percent"] == pytest.approx(100 * error)


def test_nothing_is_said_without_the_error_of_the_change() -> None:
    table = annealed(0.1, 0.01)
    columns = {name: values for name, values in table.columns.items() if name != "change_error"}
    assert by_validation(RunContext(replace(table, columns=columns)), BATCHES, "epoch", "에폭") is None
    resumed = table.columns["change_error"].copy()
    resumed[249] = np.nan
    table = replace(table, columns={**table.columns, "change_error": resumed})
    assert by_validation(RunContext(table), BATCHES, "epoch", "에폭") is None
