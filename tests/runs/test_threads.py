"""What experts saw in runs that someone asked about."""

from pathlib import Path

import numpy as np
import pytest

from isang.errors import InputError
from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.table import RunTable
from isang.runs.statistics.dead_stretch import repetition


def read(folder: Path, lines: list[str]) -> RunTable:
    path = folder / "console.log"
    path.write_text("\n".join(lines) + "\n")
    (run,) = read_runs(path)
    return run


def findings(run: RunTable) -> dict[str, Finding]:
    return {finding.id: finding for finding in judge(run)}


def test_losses_that_repeat_each_epoch_show_that_nothing_moves(tmp_path: Path) -> None:
    losses = np.random.default_rng(0).uniform(0.9, 1.4, 8).round(4)
    lines = [f"Epoch {i // 8 + 1}, Step {i % 8}, Loss: {losses[i % 8]:.4f}" for i in range(96)]
    found = findings(read(tmp_path, lines))
    assert found["decreasing"].verdict == "problem"
    assert found["decreasing"].evidence["period"] == 8
    assert {found[name].verdict for name in ("divergence", "convergence", "spikes")} == {"not_applicable"}


def test_only_exact_repetitions_count() -> None:
    rng = np.random.default_rng(1)
    once = rng.uniform(1, 2, 20)
    assert repetition(np.tile(once, 5)) == 20
    assert repetition(np.tile(once, 5) + 1e-6 * rng.standard_normal(100)) is None
    assert repetition(np.ones(100)) is None
    assert repetition(rng.uniform(1, 2, 100).round(1)) is None
    assert repetition(np.tile(once, 2)) is None


def test_infinity_as_javas_tools_print_it(tmp_path: Path) -> None:
    lines = [
        f"[Epoch 1 {64 * i}/6400][Iteration {i}] Throughput is 4{i % 10}.5 records/second. "
        f"Loss is {'Infinity' if i == 50 else f'{1 + 3 / i:.5f}'}. Current learning rate is 0.01."
        for i in range(1, 101)
    ]
    run = read(tmp_path, lines)
    assert (run.loss_name, findings(run)["finite"].verdict) == ("Loss", "problem")


def staircase(levels: tuple[float, ...]) -> list[str]:
    rng = np.random.default_rng(2)
    return [
        str({"loss": round(level * (1 + 0.05 * rng.standard_normal()), 4), "epoch": round(e + (i + 1) / 20, 2)})
        for e, level in enumerate(levels)
        for i in range(20)
    ]


def test_a_deep_staircase_without_a_validation_loss_is_learned_by_heart(tmp_path: Path) -> None:
    deep = findings(read(tmp_path, staircase((0.95, 0.55, 0.31, 0.17))))["overfitting"]
    assert (deep.verdict, deep.evidence["cause"]) == ("problem", "memorised")
    low = findings(read(tmp_path, staircase((0.95, 0.8, 0.68))))["overfitting"]
    assert low.verdict == "cannot_tell"


def test_metrics_after_a_step_are_those_of_an_evaluation(tmp_path: Path) -> None:
    lines = []
    for i in range(40):
        lines.append(f"completed step: {i}, seconds: 5.6, TFLOP/s/device: 134.9, loss: {3 / (i + 1):.4f}")
        if i % 10 == 9:
            lines.append(f"eval metrics after step: {i}, loss={4 / (i + 1):.4f}, total_weights=98304.0")
    run = read(tmp_path, lines)
    assert run.points("validation_loss")[1] == pytest.approx(4 / np.arange(10, 41, 10), abs=1e-4)
    assert len(run.points(run.loss)[1]) == 40


def test_a_log_without_losses_says_that_its_gradients_are_nan(tmp_path: Path) -> None:
    lines = [f" iteration {i:8d}/  250000 | learning rate: 2.999E-04 | grad norm: nan |" for i in range(1, 30)]
    with pytest.raises(InputError, match="gradient norm is NaN in 29 rows"):
        read(tmp_path, lines)


def test_a_loss_that_never_comes_back_to_its_first_value_does_not_fall_and_is_not_still_falling(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    losses = [1.2, *(2.4 + 0.1 * rng.standard_normal(59) - 0.002 * np.arange(59))]
    found = findings(read(tmp_path, [f"iter: {500 * i} loss: {loss:.6f}" for i, loss in enumerate(losses)]))
    assert found["decreasing"].verdict == "problem"
    assert found["convergence"].verdict != "problem"
