"""No two findings about one run contradict each other."""

from pathlib import Path

import numpy as np
import pytest

from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.findings.ranking import first_things
from isang.runs.read.folders import read_runs
from isang.runs.read.table import RunTable


def read(folder: Path, lines: list[str]) -> RunTable:
    path = folder / "train.log"
    path.write_text("\n".join(lines) + "\n")
    (run,) = read_runs(path)
    return run


def findings(table: RunTable) -> dict[str, Finding]:
    return {finding.id: finding for finding in judge(table)}


@pytest.mark.parametrize("name", ["loss", "reward"])
def test_a_run_that_is_still_getting_worse_has_diverged_and_nothing_else(tmp_path: Path, name: str) -> None:
    """That it had not converged follows from it and is no second problem."""
    noise = np.random.default_rng(0).normal(0, 0.02, 300)
    up = np.where(np.arange(300) < 200, 1 - np.exp(-np.arange(300) / 40), 1 - (np.arange(300) - 200) / 120)
    values = (up if name == "reward" else 2 - up) + noise
    beside = " loss=0.1 kl=0.02" if name == "reward" else ""
    found = findings(read(tmp_path, [f"step={i} {name}={v:.5f}{beside}" for i, v in enumerate(values)]))
    assert found["divergence"].verdict == "problem"
    assert (found["convergence"].verdict, found["convergence"].evidence["outcome"]) == (
        "cannot_tell", "worse after divergence",
    )  # fmt: skip


def test_a_run_that_learned_nothing_neither_converged_nor_went_on_too_long(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.0002, (2, 60))
    rows = [f"epoch {i + 1} loss: {2.3026 + a:.6f} val_loss: {2.3026 + b:.6f} val_acc: 0.1" for i, (a, b) in
            enumerate(noise.T)]  # fmt: skip
    found = findings(read(tmp_path, rows))
    assert found["decreasing"].verdict == "problem"
    assert found["convergence"].verdict == "cannot_tell"
    assert found["stopping_point"].verdict != "problem"


@pytest.mark.parametrize(("way", "verdict"), [(-1, "problem"), (1, "not_applicable")])
def test_a_metric_that_sinks_while_the_loss_falls_was_measured_on_held_out_data(
    tmp_path: Path, way: int, verdict: str
) -> None:
    """Where nothing says on which data it was measured; one that rises tells nothing."""
    noise = np.random.default_rng(1).normal(0, 0.004, 50)
    late = np.maximum(np.arange(50) - 15, 0) / 35
    scores = 0.8 * (1 - np.exp(-np.arange(50) / 4)) + way * 0.12 * late + noise
    rows = [f"step={100 * i} loss={3 * np.exp(-i / 15):.4f} score={v:.4f}" for i, v in enumerate(scores)]
    assert findings(read(tmp_path, rows))["overfitting"].verdict == verdict


def test_a_held_out_metric_alone_tells_that_nothing_overfits(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.004, 50)
    rows = [
        f"step={100 * i} loss={3 * np.exp(-i / 15):.4f} val_acc={0.8 * (1 - np.exp(-i / 4)) + e:.4f}"
        for i, e in enumerate(noise)
    ]
    found = findings(read(tmp_path, rows))["overfitting"]
    assert found.verdict == "ok"
    assert all("val_acc" in said for said in found.statement.values())


def test_an_overflow_in_any_of_many_steps_is_a_skipped_step(tmp_path: Path) -> None:
    """A row of the mean of a hundred steps is infinite if one of them is; one of every fourth row is no scaling."""
    for rows, verdict in (({6, 53, 129}, "ok"), (set(range(0, 200, 4)), "problem")):
        lines = [
            f"step={100 * (i + 1)} loss={5 / (i + 1) ** 0.2:.4f} gnorm={'inf' if i in rows else '0.9'}"
            for i in range(200)
        ]
        assert findings(read(tmp_path, lines))["finite"].verdict == verdict


def test_another_set_of_boosted_trees_is_the_held_out_one_whatever_its_name(tmp_path: Path) -> None:
    lines = [f"[{i}]\ttrain's rmse: {9 / i:.4f}\toof's rmse: {3 + 6 / i:.4f}" for i in range(1, 60)]
    run = read(tmp_path, lines)
    assert (run.loss_name, len(run.points("validation_loss")[0])) == ("train's rmse", 59)
    parts = read(tmp_path, [f"step={i} train/loss={9 / i:.4f} style/loss={3 + 6 / i:.4f}" for i in range(1, 60)])
    assert not parts.has("validation_loss")


def test_a_metric_that_sinks_with_the_run_is_no_overfitting(tmp_path: Path) -> None:
    """The units of a loss and of an accuracy in per cent are not compared."""
    losses = np.where(np.arange(100) < 45, 3.3 + 6 * np.exp(-np.arange(100) / 6), 7.6)
    losses = losses + np.random.default_rng(0).normal(0, 0.05, 100)
    rows = [f"step={100 * i} loss={v:.4f} acc={80 - 8 * v:.1f}" for i, v in enumerate(losses)]
    found = findings(read(tmp_path, rows))
    assert (found["divergence"].verdict, found["overfitting"].verdict) == ("problem", "not_applicable")


def test_where_a_run_that_ends_in_nan_was_heading_is_not_told(tmp_path: Path) -> None:
    rows = [f"step={i} loss={9 / i**0.4 if i < 150 else np.nan:.4f}" for i in range(1, 200)]
    found = findings(read(tmp_path, rows))
    assert (found["finite"].verdict, found["convergence"].verdict) == ("problem", "cannot_tell")


def test_a_flat_loss_is_not_converged_while_the_rate_is_warming_up(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, 300)
    rows = [f"step={i} loss={4 + 6 * np.exp(-i / 20) + e:.4f} lr={1e-6 * i:.3e}" for i, e in enumerate(noise)]
    found = findings(read(tmp_path, rows))
    assert found["schedule"].verdict == "problem"
    assert found["convergence"].evidence["outcome"] == "flat in the warm-up"


@pytest.mark.parametrize(("first", "named"), [(330, True), (598, False)])
def test_a_schedule_that_begins_anew_with_its_warm_up_was_not_restored(tmp_path: Path, first: int, named: bool) -> None:
    """One that had come to its end begins a cycle, which is meant."""

    def rates(steps: int) -> np.ndarray:
        x = np.arange(steps)
        return np.where(x < 10, (x + 1) / 10, 0.5 + 0.5 * np.cos(np.pi * (x - 10) / 590)) * 2e-4

    rows = [f"step={i} loss={3 - i / 500:.4f} lr={r:.4e}" for i, r in enumerate([*rates(first), *rates(300)])]
    found = findings(read(tmp_path, rows))
    assert (found["schedule"].evidence["parameters"].get("reset_step") == first) == named


def test_a_schedule_that_was_cut_off_comes_before_stopping_early_and_training_longer() -> None:
    """The advice to let the schedule end and that to stop sooner contradict each other."""
    advice = {"en": "Try it.", "ko": "시험해 보십시오."}
    problems = [
        Finding(name, "problem", {"en": "x", "ko": "x"}, {}, advice)
        for name in ("convergence", "stopping_point", "schedule", "throughput")
    ]
    assert [finding.id for finding in first_things(problems)] == ["schedule", "throughput"]
