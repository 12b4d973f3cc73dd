"""Where steps, names and values stand in logs that say it in unusual places."""

import json
from pathlib import Path

import numpy as np
import pytest

from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.table import RunTable


def read(folder: Path, lines: list[str], name: str = "train.log") -> RunTable:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    (run,) = read_runs(path)
    return run


def findings(run: RunTable) -> dict[str, Finding]:
    return {finding.id: finding for finding in judge(run)}


def test_a_bar_that_goes_on_through_the_epochs_shows_the_steps(tmp_path: Path) -> None:
    lines = []
    for step in range(1, 201):
        if step % 50 == 1:
            lines.append(f"epoch {1 + step // 50}/4")
        lines.append(
            f"steps: {step // 2:3d}%|##   | {step}/200 [00:{step % 60:02d}<01:00,  1.24s/it, avr_loss={3 / step}]"
        )
    run = read(tmp_path, lines)
    assert run.step.tolist() == list(range(1, 201))
    assert run.facts["planned_steps"] == 200


def test_batches_on_lines_of_their_own_are_steps_and_those_of_an_evaluation_are_not(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 41):
        lines += [f"[batch={10 * i}/400]:", f"\t Train loss/train/total: {9 / i:.4f}"]
        if i % 10 == 0:
            lines += ["[Eval batch=1/61] Eval on eval data:", f"\t Eval metrics/eval/CrossEntropy: {9 / i + 1:.4f}"]
    run = read(tmp_path, lines)
    assert run.step.tolist() == list(range(10, 401, 10))
    assert run.points("validation_loss")[0].tolist() == [100, 200, 300, 400]


def test_step_and_rate_in_brackets_and_losses_of_opponents(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 60):
        lines += [
            f"INFO:voice:Train Epoch: {i // 9} [{i}%]", f"INFO:voice:[{200 * i}, {9.9e-5 * 0.9999**i!r}]",
            f"INFO:voice:loss_disc=3.7, loss_gen=3.2, loss_fm={5 + i / 20:.3f},loss_mel={18 + 9 / i:.3f}, loss_kl=1.2",
        ]  # fmt: skip
    run = read(tmp_path, lines)
    assert (int(run.step[-1]), run.loss_name) == (200 * 59, "loss_mel")
    assert run.column("learning_rate")[0] == pytest.approx(9.9e-5 * 0.9999)
    assert findings(run)["schedule"].verdict == "cannot_tell"  # 99 % of the peak: any slow decay begins so


def test_names_between_bars_go_on_in_the_line_below_and_cells_may_be_empty(tmp_path: Path) -> None:
    lines = [
        "|  Epoch  |  Iteration  |  Time Elapsed  |  Mini-batch  |  Validation  |  Base Learning  |",
        "|         |             |   (hh:mm:ss)   |     Loss     |     Loss     |      Rate       |",
    ]
    for i in range(40):
        held = f"{2 / (i + 1):.4f}" if i % 4 == 0 else ""
        lines.append(f"| {1 + i // 8} | {50 * i} | 00:00:{i:02d} | {1 / (i + 1):.4f} | {held:8s} | 0.0100 |")
    run = read(tmp_path, lines)
    assert run.step.tolist() == [50 * i for i in range(40)]
    assert len(run.points("validation_loss")[0]) == 10
    assert run.column("learning_rate")[3] == 0.01


def test_a_model_card_whose_first_training_loss_was_not_logged(tmp_path: Path) -> None:
    lines = ["| Training Loss | Epoch | Step | Validation Loss |", "|:---:|:---:|:---:|:---:|"]
    lines += [f"| {'No log' if i == 1 else f'{1 / i:.4f}'} | {i / 2} | {250 * i} | {2 / i:.4f} |" for i in range(1, 12)]
    run = read(tmp_path, lines, "README.md")
    assert len(run.points("validation_loss")[0]) == 11
    assert np.isfinite(run.column(run.loss)).sum() == 10


@pytest.mark.parametrize(
    "said", ["[VAL] Iter {step} | loss 0.5", "Saving dict for global step {step}: global_step = {step}, loss = 0.5"]
)
def test_more_lines_that_hold_the_loss_of_the_held_out_set(tmp_path: Path, said: str) -> None:
    lines = []
    for step in range(100, 1001, 100):
        lines += [f"loss = {99 / step}, step = {step}", *([said.format(step=step)] if step % 500 == 0 else [])]
    run = read(tmp_path, lines)
    assert run.points("validation_loss")[0].tolist() == [500, 1000]
    assert len(run.step) == 10


def test_a_table_with_one_row_per_value_and_records_of_single_values(tmp_path: Path) -> None:
    rows, records = ["run_name,metric,step,value"], []
    for run in ("first", "second"):
        for name in ("train_loss", "val_loss"):
            rows += [f"{run},{name},{step},{3 / step}" for step in range(1, 21)]
            records += [json.dumps({"name": name, "value": 3 / step, "step": step}) for step in range(1, 21)]
    (tmp_path / "export.csv").write_text("\n".join(rows) + "\n")
    runs = read_runs(tmp_path / "export.csv")
    assert [run.name for run in runs] == ["first", "second"]
    for run in runs:
        assert run.step.tolist() == list(range(1, 21))
        assert len(run.points("validation_loss")[0]) == 20
    sources = [run.source for run in runs]
    assert sum(sum(s.used.values()) + sum(s.ignored.values()) + s.failed for s in sources) == len(rows)
    run = read(tmp_path, records[:40], "export.jsonl")
    assert (run.loss_name, len(run.points("validation_loss")[0])) == ("train_loss", 20)


def test_a_metric_that_breaks_with_the_loss_is_no_overfitting(tmp_path: Path) -> None:
    lines = [f"step={i} loss={3 / i + 1} acc={90 + i / 90}" for i in range(1, 91)]
    lines += [f"step={i} loss=nan acc=5.1" for i in range(91, 141)]
    found = findings(read(tmp_path, lines))
    assert (found["finite"].verdict, found["overfitting"].verdict) == ("problem", "not_applicable")


def test_waiting_to_be_resumed_is_no_stall_and_noise_with_a_memory_no_jump(tmp_path: Path) -> None:
    rng, wave, lines, clock = np.random.default_rng(5), 0.0, [], 0
    losses = []
    for i in range(1200):
        wave = 0.6 * wave + 0.024 * rng.standard_normal()
        losses.append(11 * (i + 1) ** -0.38 + 2.2 + wave)
    for first, last in ((0, 430), (425, 910), (905, 1200)):
        clock += 7200
        for i in range(first, last):
            clock += 59
            at = f"2024-06-{10 + clock // 86400} {clock // 3600 % 24:02d}:{clock // 60 % 60:02d}:{clock % 60:02d}"
            lines.append(f"{at} step={10 * i} loss={losses[i]:.4f}")
    found = findings(read(tmp_path, lines))
    assert found["throughput"].verdict == "ok"
    assert found["restarts"].verdict == "ok"


def test_the_test_net_of_caffe_and_the_word_cost(tmp_path: Path) -> None:
    at, lines = "I0105 10:00:00.123456 12345 ", []
    for i in range(0, 3001, 100):
        if i % 1000 == 0:
            lines.append(f"{at}solver.cpp:347] Iteration {i}, Testing net (#0)")
            lines.append(f"{at}solver.cpp:414]     Test net output #1: loss = {9 / (i + 100):.5g} (* 1 = 0.1 loss)")
        lines.append(f"{at}solver.cpp:239] Iteration {i} (3.21 iter/s), loss = {8 / (i + 100):.5g}")
    assert read(tmp_path, lines).points("validation_loss")[0].tolist() == [0, 1000, 2000, 3000]
    costs = [f"01/05/24 - 10:00.00AM, iter: {i:03d}, cost: {1 / i:.6f}" for i in range(1, 30)]
    assert (read(tmp_path, costs).loss_name, int(read(tmp_path, costs).step[-1])) == ("cost", 29)


def test_updates_of_marian_and_its_validations(tmp_path: Path) -> None:
    lines = []
    for i in range(1, 41):
        head = f"[2024-01-05 10:{i:02d}:00]"
        lines.append(f"{head} Ep. 1 : Up. {100 * i} : Sen. 6,321 : Cost {9 / i:.6f} * 3,120 @ 14,112 : L.r. 3.0000e-05")
        if i % 10 == 0:
            lines.append(f"{head} [valid] Ep. 1 : Up. {100 * i} : ce-mean-words : {9.5 / i:.6f} : new best")
    run = read(tmp_path, lines)
    assert run.step.tolist() == [100 * i for i in range(1, 41)]
    assert len(run.points("validation_loss")[0]) == 4
    assert run.column("learning_rate")[0] == 3e-5


def test_the_counter_that_never_begins_anew_and_a_block_of_an_evaluation(tmp_path: Path) -> None:
    lines, step = [], 0
    for epoch in range(12):
        for batch in range(0, 100, 25):
            lines += [f"   --> TIME: 2024-01-05 10:00:00 -- STEP: {batch}/100 -- GLOBAL_STEP: {step}"]
            lines += [f"     | > decoder_loss: 0.5  (0.6)", f"     | > loss: {9 / (step + 9):.5f}  (0.3)"]  # noqa: F541
            step += 25
        lines += [
            "  --> EVAL PERFORMANCE",
            "     | > avg_decoder_loss: 0.2 (-0.1)",
            f"     | > avg_loss: {5 / (epoch + 1)} (+0.1)",
            "",
        ]
    run = read(tmp_path, lines)
    assert run.step.tolist() == list(range(0, 1200, 25))
    assert run.points("validation_loss")[1].tolist() == [5 / (epoch + 1) for epoch in range(12)]


def test_step_and_plan_in_one_text_and_times_in_words(tmp_path: Path) -> None:
    records = [
        json.dumps(
            {"loss": 3 / i, "global_step/max_steps": f"{5 * i}/1200", "elapsed_time": f"{i // 4}m {15 * i % 60}s"}
        )
        for i in range(1, 60)
    ]
    run = read(tmp_path, records, "logging.jsonl")
    assert run.step.tolist() == list(range(5, 300, 5))
    assert run.facts["planned_steps"] == 1200
    assert run.column("time_seconds")[7] == 105  # since the first row, at 15 s


def test_korean_names_without_a_space(tmp_path: Path) -> None:
    rows = [
        "회차;학습손실;검증손실;검증정확도",
        *(f"{i};{1 / i:.4f};{2 / i:.4f};{90 - 9 / i:.1f}%" for i in range(1, 31)),
    ]
    run = read(tmp_path, rows, "결과.csv")
    assert (run.loss_name, len(run.points("validation_loss")[0]), int(run.step[-1])) == ("학습손실", 30, 30)
    assert run.metric == "검증정확도"


def test_one_document_per_epoch_is_one_run(tmp_path: Path) -> None:
    for epoch in range(12):
        document = {
            "epoch": epoch,
            "training_loss": 1 / (epoch + 1),
            "validation_loss": 2 / (epoch + 1),
            "best_epoch": 0,
        }
        (tmp_path / f"metrics_epoch_{epoch}.json").write_text(json.dumps(document, indent=2))
    (run,) = read_runs(tmp_path)
    assert run.step.tolist() == list(range(12))
    assert len(run.points("validation_loss")[0]) == 12


def test_a_rate_that_ends_at_its_lowest_does_not_rise_again(tmp_path: Path) -> None:
    """A warm-up times a cosine of the whole run is no cosine: its fitted low point lies before the end."""
    rates = [5e-4 * min(1, (e + 1) / 10) * 0.5 * (1 + np.cos(np.pi * e / 100)) for e in range(100)]
    run = read(tmp_path, [f"epoch={e} loss={9 / (e + 9):.4f} lr={rate:.6g}" for e, rate in enumerate(rates)])
    assert findings(run)["schedule"].verdict != "problem"


def test_a_loss_that_comes_down_to_guessing_has_learned_nothing(tmp_path: Path) -> None:
    """ln 2 from the fifth epoch on, as a rate that is far too high leaves it; a loss that goes below it has learned."""
    rng = np.random.default_rng(0)
    wild = [4.4, 2.1, 1.2, 0.9, 0.75, *(0.6931 + 0.0003 * rng.standard_normal(35))]
    found = findings(read(tmp_path, [f"epoch={i} loss={v:.5f}" for i, v in enumerate(wild, 1)]))["decreasing"]
    assert (found.verdict, found.evidence["guessing_classes"]) == ("problem", 2)
    sound = [0.95 * np.exp(-i / 6) + 0.6 for i in range(40)]
    assert (
        findings(read(tmp_path, [f"epoch={i} loss={v:.5f}" for i, v in enumerate(sound, 1)]))["decreasing"].verdict
        == "ok"
    )
