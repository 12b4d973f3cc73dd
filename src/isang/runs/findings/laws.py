"""The laws that every finding keeps; `isang.testing` offers them to other packages."""

from collections.abc import Mapping

import numpy as np

from isang.runs.finding import RunContext
from isang.runs.findings.contract import FindingRule, judged_by
from isang.runs.read.table import BATCH_LOSS, Floats, RunSource, RunTable


def run_of(loss: Floats, *, facts: Mapping[str, object] | None = None, **columns: Floats) -> RunTable:
    """A run with these losses at steps 1 to n, and further columns of n values each."""
    n = len(loss)
    return RunTable(
        name="run", source=RunSource("run.log", "made for a test", 0, n, {"step": n}), step=np.arange(1, n + 1),
        epoch=np.full(n, np.nan), columns={BATCH_LOSS: np.asarray(loss, dtype=np.float64), **columns},
        loss=BATCH_LOSS, loss_window=1.0, facts=dict(facts or {}), series={"loss": n},
        logged_nan={BATCH_LOSS: np.flatnonzero(np.isnan(loss))} if np.isnan(loss).any() else {},
    )  # fmt: skip


def check_finding(rule: FindingRule, *, healthy: RunTable, faulty: RunTable) -> None:
    """Raise AssertionError that says which law the finding breaks.

    It calls `faulty` a problem and `healthy` none, with both contexts fresh; says the same when it is asked again;
    leaves the table as it was; and has an answer to runs of one row, of nothing but NaN, and of one value.
    """
    assert isinstance(rule, FindingRule), "a finding has a name and judge(table, context)"
    assert rule.name.isidentifier(), f"{rule.name!r}: a name has letters, digits and underscores only"
    assert rule.name == rule.name.lower(), f"{rule.name!r}: a name has lower-case letters"
    for table, expected in ((faulty, True), (healthy, False)):
        before = {name: values.copy() for name, values in table.columns.items()}
        found = judged_by(rule, table, RunContext(table))
        assert (found.verdict == "problem") == expected, (
            f"{rule.name}: the {'faulty' if expected else 'healthy'} run is {found.verdict}: {found.statement['en']}"
        )
        again = judged_by(rule, table, RunContext(table))
        assert repr(again) == repr(found), f"{rule.name}: the same run has another finding when it is asked again"
        for name, values in before.items():
            assert np.array_equal(values, table.columns[name], equal_nan=True), f"{rule.name}: it changed {name}"
    for loss in (np.array([2.5]), np.full(40, np.nan), np.full(40, 1.0), np.linspace(3, 1, 40)):
        table = run_of(loss)
        judged_by(rule, table, RunContext(table))
