"""Shapes of consoles that people paste when they ask what is wrong with a run."""

import json
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


def test_batches_within_epochs_of_other_examples(tmp_path: Path) -> None:
    lines = [f"| epoch {e:3d} | {b:5d}/  100 batches | loss  {5 / e:.2f}" for e in (1, 2, 3) for b in (20, 60, 100)]
    assert read(tmp_path, lines).step.tolist() == [20, 60, 100, 120, 160, 200, 220, 260, 300]
    lines = [f"[{e}/3][{b}/100]\tLoss: {5 / (e + 1):.2f}" for e in (0, 1, 2) for b in (0, 50)]
    run = read(tmp_path, lines)
    assert (run.step.tolist(), run.facts["epochs"]) == ([0, 50, 100, 150, 200, 250], 3)


def test_steps_of_a_plan_in_brackets(tmp_path: Path) -> None:
    lines = [f"I20240301 helpers.py:102] Training  [{10 * i:6d}/5000]  total_loss: {5 / i:.4f}" for i in range(1, 31)]
    run = read(tmp_path, lines)
    assert (int(run.step[-1]), run.facts["planned_steps"]) == (300, 5000)


def test_the_set_stands_between_bars(tmp_path: Path) -> None:
    lines = []
    for e in range(10):
        lines.append(f"Epoch {e} |   Training | Elapsed Time: 0:12:00 | Steps: 1213 | Loss: {9 / (e + 1):.6f}")
        lines.append(f"Epoch {e} | Validation | Elapsed Time: 0:00:41 | Steps: 121 | Loss: {9.5 / (e + 1):.6f}")
    run = read(tmp_path, lines)
    assert run.points(run.loss)[1] == pytest.approx(9 / np.arange(1, 11), abs=1e-6)
    assert run.points("validation_loss")[1] == pytest.approx(9.5 / np.arange(1, 11), abs=1e-6)


def test_a_held_out_loss_in_brackets(tmp_path: Path) -> None:
    lines = [f"에포크 {e} - 손실: {3 / e:.4f} (검증 {4 / e:.4f}), F1: 0.5" for e in range(1, 11)]
    assert read(tmp_path, lines).points("validation_loss")[1] == pytest.approx(4 / np.arange(1, 11), abs=1e-4)


def test_a_table_pasted_with_tabs_whose_first_cells_say_no_log(tmp_path: Path) -> None:
    lines = ["Epoch\tTraining Loss\tValidation Loss\tAccuracy"]
    lines += [f"{e}\t{'No log' if e == 1 else f'{1 / e:.6f}'}\t{2 / e:.6f}\t0.81" for e in range(1, 9)]
    run = read(tmp_path, lines)
    assert run.points("validation_loss")[1] == pytest.approx(2 / np.arange(1, 9), abs=1e-6)
    assert len(run.points(run.loss)[1]) == 7


def test_wide_columns_and_an_average_reward(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 41):
        lines += [f"Recent Stats | t_env: {50 * i:10d} | Episode: {i:8d}"]
        lines += [f"grad_norm:                  0.4\tloss:                      {0.1 + 0.01 * (i % 3):.4f}"]
        lines += [f"return_mean:               {i / 4:.4f}\tepsilon:                    0.0500", ""]
    run = read(tmp_path, lines)
    assert (run.maximised, run.loss_name, len(run.points(run.loss)[1])) == (True, "return_mean", 40)
    lines = [f"step {i} Actor Loss: {0.01 * (i % 5)} Average reward score: {i / 9:.3f}" for i in range(1, 41)]
    assert (read(tmp_path, lines).maximised, run.objective) == (True, "policy")


def test_a_clock_that_stands_still_between_most_rows_shows_no_stalls(tmp_path: Path) -> None:
    lines = [
        f"Training progress: 50%|##  | {i}/400 [{i // 15:02d}:00<10:00, 4.0it/s, Loss={1 + 3 / i:.5f}]"
        for i in range(1, 400)
    ]
    assert verdicts(read(tmp_path, lines))["throughput"] == "ok"


@pytest.mark.parametrize(("last", "verdict"), [(0.0, "problem"), (0.5, "not_applicable")])
def test_a_discriminator_that_has_won(tmp_path: Path, last: float, verdict: str) -> None:
    lines = [
        f"[{e}/20][{b}/500]\tLoss_D: {0.6 if e < 4 else last:.4f}\tLoss_G: {2.4 if e < 4 or last else 27.6:.4f}"
        for e in range(20)
        for b in range(0, 500, 100)
    ]
    assert verdicts(read(tmp_path, lines))["stability"] == verdict


def test_the_noise_of_running_means_is_not_judged(tmp_path: Path) -> None:
    lines = []
    for e in range(1, 151):
        lines.append(f"Epoch {e}/150")
        lines += [f"{b}/40 [=====>....] - ETA: 0s - loss: {1 / e + 0.01 * (b == 20):.4f}" for b in (20, 40)]
    assert verdicts(read(tmp_path, lines))["stability"] == "not_applicable"


def test_what_a_discriminator_says_is_no_loss_and_no_point_to_stop_at(tmp_path: Path) -> None:
    lines = [
        f"[{e}/20][{b}/500]\tLoss_D: {0.6 + 0.01 * e:.4f}\tLoss_G: 2.4\tD(x): 0.8{e % 10}"
        for e in range(20)
        for b in (0, 250)
    ]
    run = read(tmp_path, lines)
    assert (run.loss_name, run.objective, verdicts(run)["stopping_point"]) == (
        "Loss_D",
        "adversarial",
        "not_applicable",
    )


def test_names_in_brackets(tmp_path: Path) -> None:
    run = read(tmp_path, [f"INFO - [epoch]: 0, [step]: {i}, [loss]: {5 - i / 40}" for i in range(1, 41)])
    assert run.points(run.loss)[1] == pytest.approx(5 - np.arange(1, 41) / 40)
    assert run.step.tolist() == list(range(1, 41))


def test_a_sheet_in_german(tmp_path: Path) -> None:
    rows = [f"{e};{2 / e:.4f};{2.5 / e:.4f};0,001".replace(".", ",") for e in range(1, 31)]
    path = tmp_path / "verlauf.csv"
    path.write_text("\n".join(["Epoche;Trainingsverlust;Validierungsverlust;Lernrate", *rows]))
    (run,) = read_runs(path)
    assert run.points(run.loss)[1] == pytest.approx(2 / np.arange(1, 31), abs=1e-4)
    assert run.points("validation_loss")[1] == pytest.approx(2.5 / np.arange(1, 31), abs=1e-4)
    assert run.has(LEARNING_RATE)
    assert run.counts_epochs


def test_cells_that_hold_tensors(tmp_path: Path) -> None:
    rows = [f"{i},\"tensor({3 / i:.4f}, device='cuda:0')\",np.float64({0.5 - 0.01 * i:.2f})" for i in range(1, 21)]
    path = tmp_path / "losses.csv"
    path.write_text("\n".join(["step,loss,val_loss", *rows]))
    (run,) = read_runs(path)
    assert run.points(run.loss)[1] == pytest.approx(3 / np.arange(1, 21), abs=1e-4)
    assert run.points("validation_loss")[1] == pytest.approx(0.5 - 0.01 * np.arange(1, 21), abs=1e-3)


def test_scores_of_evaluations_are_judged_by_their_mean(tmp_path: Path) -> None:
    head = "steps\tepisodes\telapsed\tmean\tmedian\tstdev\tmax\tmin\taverage_loss"
    rows = [f"{1000 * i}\t{5 * i}\t{3.0 * i}\t{i}\t{i}\t2.0\t{i + 9}\t{i - 9}\t0.1" for i in range(1, 31)]
    path = tmp_path / "scores.txt"
    path.write_text("\n".join([head, *rows]))
    (run,) = read_runs(path)
    assert (run.loss_name, run.maximised, int(run.step[-1])) == ("mean return", True, 30_000)


def test_a_console_with_decimal_commas(tmp_path: Path) -> None:
    lines = [
        f"Epoche {e}: Verlust {2 / e:.4f} - Validierungsverlust {2.5 / e:.4f}".replace(".", ",") for e in range(1, 31)
    ]
    run = read(tmp_path, [*lines, "Training wird vorzeitig beendet."])
    assert run.points(run.loss)[1] == pytest.approx(2 / np.arange(1, 31), abs=1e-4)
    assert run.points("validation_loss")[1] == pytest.approx(2.5 / np.arange(1, 31), abs=1e-4)
    assert run.facts["stopped_early"]


def test_thousands_and_lists_are_no_decimal_commas(tmp_path: Path) -> None:
    lines = [f"step {1000 * i:,} loss {3 / i:.3f} tokens 12,345,678 shape [64,3]" for i in range(1, 31)]
    run = read(tmp_path, lines)
    assert run.step.tolist() == [1000 * i for i in range(1, 31)]
    assert run.points(run.loss)[1] == pytest.approx(3 / np.arange(1, 31), abs=1e-3)
    whole = read(tmp_path, [f"step {1000 * i:,} loss {10_000 - 100 * i:,}" for i in range(1, 31)])
    assert whole.points(whole.loss)[1].tolist() == [10_000 - 100 * i for i in range(1, 31)]


def test_a_loss_of_the_same_step_below_the_bar_of_an_evaluation_is_held_out(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 31):
        lines += [f"Step... ({100 * i} | Loss: {3 / i}, Learning Rate: 0.001)"]
        if i % 5 == 0:
            lines += [
                "Evaluating ...: 100%|##########| 51/51 [00:11<00:00]",
                f"Step... ({100 * i} | Loss: {4 / i}, Acc: 0.5)",
            ]
    run = read(tmp_path, lines)
    assert run.points(run.loss)[1] == pytest.approx(3 / np.arange(1, 31))
    assert run.points("validation_loss")[1] == pytest.approx(4 / np.arange(5, 31, 5))


def test_names_of_two_words_above_each_other(tmp_path: Path) -> None:
    lines = ["average  since    example  example  current", "loss     last     counter  weight   predict"]
    run = read(tmp_path, [*lines, *(f"{1 / i:.6f} {2 / i:.6f} {i:10d} {i:8.1f} 0.5000" for i in (1, 2, 4, 8, 16, 32))])
    assert run.step.tolist() == [1, 2, 4, 8, 16, 32]
    assert run.points(run.loss)[1] == pytest.approx(2 / np.array([1, 2, 4, 8, 16, 32]), abs=1e-6)


def test_triples_of_time_step_and_value(tmp_path: Path) -> None:
    path = tmp_path / "run-train-tag-epoch_loss.json"
    path.write_text(json.dumps([[1.7e9 + i, 10 * i, 2 / i] for i in range(1, 31)]))
    (run,) = read_runs(path)
    assert (run.loss_name, int(run.step[-1])) == ("epoch_loss", 300)
    assert run.points(run.loss)[1] == pytest.approx(2 / np.arange(1, 31))


def test_a_bar_that_counts_the_epochs_counts_no_steps(tmp_path: Path) -> None:
    bar = ["  0%|          | 0/20 [00:00<?, ?it/s]", "100%|##########| 20/20 [03:11<00:00,  9.55s/it]"]
    run = read(tmp_path, [*bar, *(f"epoch {e}/20 - loss: {2 / e}" for e in range(1, 21))])
    assert (run.counts_epochs, int(run.step[-1])) == (True, 20)
