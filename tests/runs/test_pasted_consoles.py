"""Shapes of consoles that people paste when they ask what is wrong with a run."""

from pathlib import Path

import numpy as np
import pytest

from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.series_names import normal, role
from isang.runs.read.table import DATA_SECONDS, LEARNING_RATE, STEP_SECONDS, RunTable


def read(folder: Path, lines: list[str]) -> RunTable:
    path = folder / "console.log"
    path.write_text("\n".join(lines) + "\n")
    (run,) = read_runs(path)
    return run


def verdicts(run: RunTable) -> dict[str, str]:
    return {finding.id: finding.verdict for finding in judge(run)}


def test_tables_whose_headings_alternate_are_read_below_their_own(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 41):
        loss = 2 + 3 / i
        lines += [
            f"10:{i:02d}:00 | time:{30 * i}s total_steps:{100 * i} epochs:{0.05 * i:.2f}",
            "    clip  gnorm  gpu_mem   loss     lr  total_train_updates",
            f"       1  {i / 7:.3f}    .41  {loss:.3f}  1e-05   {100 * i}",
            "",
        ]
        if i % 5 == 0:
            lines += [f"10:{i:02d}:59 | valid:", "    gpu_mem   loss  total_train_updates"]
            lines += [f"        .22  {loss + 1:.3f}   {100 * i}", ""]
    run = read(tmp_path, lines)
    steps, losses = run.points(run.loss)
    assert steps.tolist() == [100 * i for i in range(1, 41)]
    assert losses == pytest.approx(2 + 3 / np.arange(1, 41), abs=1e-3)
    assert run.points("validation_loss")[1] == pytest.approx(3 + 3 / np.arange(5, 41, 5), abs=1e-3)


def test_a_script_in_chinese(tmp_path: Path) -> None:
    lines = []
    for e in range(1, 31):
        lines += [f"第 {e}/30 轮，训练损失：{2 / e:.4f}，训练准确率：{50 + e}.00%，用时：41.0 秒"]
        lines += [f"    验证损失：{2.5 / e:.4f}，验证准确率：{45 + e}.00%"]
    run = read(tmp_path, lines)
    assert run.points(run.loss)[1] == pytest.approx(2 / np.arange(1, 31), abs=1e-4)
    assert run.points("validation_loss")[1] == pytest.approx(2.5 / np.arange(1, 31), abs=1e-4)
    assert (run.facts["epochs"], run.counts_epochs, run.metric) == (30, True, "验证准确率")


@pytest.mark.parametrize(
    ("name", "meaning"),
    [("验证损失", "val_loss"), ("学习率", "learning_rate"), ("訓練 損失", "train_loss"), ("エポック", "epoch")],
)
def test_words_of_other_languages_are_the_usual_names(name: str, meaning: str) -> None:
    assert normal(name) == meaning


def test_nan_between_names_without_a_sign_is_a_value(tmp_path: Path) -> None:
    lines = [f"TRAIN Batch {i}/200 loss {'nan' if i > 60 else f'{3 / i:.4f}'} lr 0.0005" for i in range(1, 91)]
    run = read(tmp_path, lines)
    assert "nan lr" not in run.source.notes
    assert verdicts(run)["finite"] == "problem"


def test_batches_that_do_not_move_are_no_steps(tmp_path: Path) -> None:
    lines = [f"TRAIN Batch 0/{100 * (i + 1)} loss {1 + 3 / (i + 1):.4f} rank {r}" for i in range(50) for r in range(4)]
    run = read(tmp_path, lines)
    assert (len(run.step), int(run.step[-1])) == (200, 200)


def test_a_scheduler_that_says_what_rate_it_sets(tmp_path: Path) -> None:
    lines = []
    for e in range(1, 31):
        lines.append(f"Epoch {e}: loss={2 / e:.4f}")
        if e % 10 == 0:
            lines.append(f"Epoch {e:05d}: reducing learning rate of group 0 to {10.0 ** -(e // 10):.4e}.")
    steps, rates = read(tmp_path, lines).points(LEARNING_RATE)
    assert (steps.tolist(), rates.tolist()) == ([10, 20, 30], [0.1, 0.01, 0.001])


@pytest.mark.parametrize("name", ["train_step_time", "step_duration", "secs_per_step", "iter_time_s", "time_per_batch"])
def test_names_of_the_time_of_a_step(name: str) -> None:
    assert role(name) == "seconds"


def test_a_loader_that_stops_every_fourth_step(tmp_path: Path) -> None:
    lines = [
        f"step {i} step_loss: {0.04 + 0.1 / i:.5f} load_data_time: {0.0001 if i % 4 else 18.9}, train_step_time: 0.65"
        for i in range(1, 101)
    ]
    run = read(tmp_path, lines)
    assert np.nanmax(run.column(DATA_SECONDS)) == 18.9
    assert run.column(STEP_SECONDS) == pytest.approx(np.full(100, 0.65))
    assert verdicts(run)["throughput"] == "problem"


def test_few_losses_that_climb_again_have_diverged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    losses = [3.9 + 6 * np.exp(-e / 4) + 0.5 * max(0, e - 24) + 0.01 * rng.standard_normal() for e in range(30)]
    run = read(tmp_path, [f"epoch {e} loss {loss:.3f}" for e, loss in enumerate(losses)])
    assert verdicts(run)["divergence"] == "problem"
    steady = read(tmp_path, [f"epoch {e} loss {loss:.3f}" for e, loss in enumerate(losses[:24])])
    assert verdicts(steady)["divergence"] != "problem"


def test_guessing_is_named_beside_single_lower_values(tmp_path: Path) -> None:
    losses = np.log(2) + 0.0007 * np.random.default_rng(3).standard_normal(60)
    losses[[12, 44]] = 0.6895
    run = read(tmp_path, [f"epoch {e} loss {loss:.4f}" for e, loss in enumerate(losses)])
    (found,) = (finding for finding in judge(run) if finding.id == "decreasing")
    assert (found.verdict, found.evidence.get("guessing_classes")) == ("problem", 2)
