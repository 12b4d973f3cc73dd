"""Losses that follow a setting, losses that stand still, and metrics that are lost again."""

import json
from pathlib import Path

import numpy as np
import pytest

from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.table import RunTable


def written(folder: Path, rows: list[dict[str, float]]) -> RunTable:
    path = folder / "run.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    (run,) = read_runs(path)
    return run


def found(run: RunTable) -> dict[str, Finding]:
    return {finding.id: finding for finding in judge(run)}


def staged(rng: np.random.Generator, rises: float) -> list[dict[str, float]]:
    """Two stages of 200 losses; the second begins 1 higher than the first ends and then changes by `rises`."""
    rows = []
    for i in range(400):
        level = 1 + np.exp(-i / 40) if i < 200 else 2 + rises * (i - 200) / 200
        rows.append(
            {"step": i + 1, "loss": float(level + 0.02 * rng.standard_normal()), "seq": 512 if i < 200 else 2048}
        )
    return rows


def test_a_loss_that_rises_with_a_setting_has_not_diverged(tmp_path: Path) -> None:
    judged = found(written(tmp_path, staged(np.random.default_rng(1), rises=-0.4)))
    assert judged["divergence"].verdict == judged["spikes"].verdict == "ok"
    assert (judged["divergence"].evidence["setting"], judged["divergence"].evidence["stage_first_step"]) == ("seq", 201)
    assert "seq changes from 512 to 2,048" in judged["divergence"].statement["en"]
    assert "seq 값이 512에서 2,048로 바뀝니다" in judged["divergence"].statement["ko"]


def test_a_jump_beside_no_setting_and_a_rise_within_a_stage_are_divergence(tmp_path: Path) -> None:
    rows = staged(np.random.default_rng(2), rises=-0.4)
    without = [{name: value for name, value in row.items() if name != "seq"} for row in rows]
    assert found(written(tmp_path, without))["divergence"].verdict == "problem"
    other = [{**row, "seq": 512 if i < 300 else 2048} for i, row in enumerate(rows)]
    assert found(written(tmp_path, other))["divergence"].verdict == "problem"
    assert found(written(tmp_path, staged(np.random.default_rng(3), rises=2.0)))["divergence"].verdict == "problem"


def test_a_loss_scale_is_no_setting(tmp_path: Path) -> None:
    rows = [{("scale" if name == "seq" else name): value for name, value in row.items()}
            for row in staged(np.random.default_rng(4), rises=0.0)]  # fmt: skip
    rows = [{("loss_scale" if name == "scale" else name): value for name, value in row.items()} for row in rows]
    assert found(written(tmp_path, rows))["divergence"].verdict == "problem"


@pytest.mark.parametrize(("level", "noise"), [(5.545, 5e-4), (6.237, 1e-4)])
def test_a_loss_that_stands_from_its_second_value_on_learns_nothing(tmp_path: Path, level: float, noise: float) -> None:
    values = level + noise * np.random.default_rng(5).standard_normal(120)
    values[0] += 0.11
    judged = found(written(tmp_path, [{"epoch": i + 1, "loss": float(v)} for i, v in enumerate(values)]))
    assert (judged["decreasing"].verdict, judged["decreasing"].evidence["outcome"]) == ("problem", "stands")
    assert judged["convergence"].verdict in ("cannot_tell", "not_applicable")


def test_a_loss_that_has_fallen_and_stands_is_learned(tmp_path: Path) -> None:
    values = 0.2 + 2 * np.exp(-np.arange(200) / 4) + 1e-5 * np.random.default_rng(6).standard_normal(200)
    judged = found(written(tmp_path, [{"step": i, "loss": float(v)} for i, v in enumerate(values)]))
    assert judged["decreasing"].verdict == "ok"


def test_a_return_that_is_learned_and_lost_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    climb = 100 / (1 + np.exp(-(np.arange(80) - 15) / 4)) + 2 * rng.standard_normal(80)
    fallen = np.where(np.arange(80) > 55, 3 + 97 * np.exp(-(np.arange(80) - 55) / 4), climb)
    for values, lost in ((climb, False), (fallen, True)):
        rows = [{"step": 100 * i, "mean_reward": float(v), "policy_loss": 0.1} for i, v in enumerate(values)]
        stopping = found(written(tmp_path, rows))["stopping_point"]
        assert (stopping.verdict == "problem") == lost
        assert (stopping.evidence["lost_part"] > 0.5) == lost


def test_a_rate_of_zero_for_half_of_the_run_is_named_though_its_digits_end(tmp_path: Path) -> None:
    rates = np.maximum(0.0, 5e-5 * (1 - np.arange(1, 121) / 60))
    losses = 1 + np.exp(-np.arange(120) / 20) + 0.02 * np.random.default_rng(8).standard_normal(120)
    rows = [{"step": i, "loss": float(a), "lr": float(b)} for i, (a, b) in enumerate(zip(losses, rates, strict=True))]
    assert found(written(tmp_path, rows))["schedule"].verdict == "problem"
    coarse = [{**row, "lr": round(row["lr"], 5)} for row in rows]
    assert found(written(tmp_path, coarse))["schedule"].verdict != "problem"


def test_a_slow_fall_along_a_line_is_no_convergence(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    straight = 6.9 - 0.13 * np.arange(80) / 80 + 0.002 * rng.standard_normal(80)
    judged = found(written(tmp_path, [{"step": i + 1, "loss": float(v)} for i, v in enumerate(straight)]))
    assert (judged["convergence"].verdict, judged["convergence"].evidence["outcome"]) == ("problem", "falling straight")
    slowed = 6.9 - 3 * (1 - (1 + np.arange(400)) ** -0.5) + 0.002 * rng.standard_normal(400)
    judged = found(written(tmp_path, [{"step": i + 1, "loss": float(v)} for i, v in enumerate(slowed)]))
    assert judged["convergence"].evidence["outcome"] != "falling straight"


def test_a_few_epochs_that_fall_to_the_last_have_not_converged(tmp_path: Path) -> None:
    for floor, verdict in ((0.0, "problem"), (1.0, "cannot_tell")):
        losses = floor + (2 * np.exp(-np.arange(18) / 20) if not floor else 2 * np.exp(-np.arange(18) / 2))
        rows = [{"epoch": i + 1, "loss": float(v), "val_loss": float(1.05 * v)} for i, v in enumerate(losses)]
        assert found(written(tmp_path, rows))["convergence"].verdict == verdict


def test_a_weighted_total_is_judged_and_not_the_sum_of_its_parts(tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    rows = []
    for i in range(60):
        parts = {"loss_seg": 2 * np.exp(-i / 20), "loss_depth": 0.5 + 0.1 * rng.random(), "loss_edge": rng.random()}
        rows.append(
            {"step": i, **parts, "total": sum(w * p for w, p in zip((1, 0.5, 0.1), parts.values(), strict=True))}
        )
    assert written(tmp_path, rows).loss_name == "total"
    assert written(tmp_path, [{**row, "total": float(i)} for i, row in enumerate(rows)]).loss_name != "total"


def test_the_share_of_evaluation_is_told_by_the_run_time_of_the_trainer(tmp_path: Path) -> None:
    rows: list[dict[str, float]] = [{"step": 10 * i, "loss": 1 + 1 / i} for i in range(1, 31)]
    rows += [{"step": 300, "eval_loss": 1.0, "eval_runtime": 700.0}, {"step": 300, "train_runtime": 1000.0}]
    judged = found(written(tmp_path, rows))["throughput"]
    assert (judged.verdict, judged.evidence["evaluation_share"]) == ("problem", 0.7)


def test_a_threshold_of_hundreds_of_sigma_is_not_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    losses = 1 + 1e-6 * rng.standard_normal(300) + 0.01 * np.where(np.arange(300) % 7 == 0, rng.random(300), 0)
    spikes = found(written(tmp_path, [{"step": i, "loss": float(v)} for i, v in enumerate(losses)]))["spikes"]
    assert spikes.evidence["threshold"] > 20
    assert "σ" not in spikes.statement["en"] + spikes.statement["ko"]
