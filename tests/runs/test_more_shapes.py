"""Where numbers stand in the lines and files of more tools."""

from pathlib import Path

import numpy as np
import pytest

from isang.runs.read.folders import read_runs
from isang.runs.read.series_names import role
from isang.runs.read.table import DATA_SECONDS, RunTable


def read(folder: Path, lines: list[str], name: str = "train.log") -> RunTable:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    (run,) = read_runs(path)
    return run


def test_the_step_of_clu_stands_in_brackets_before_its_values(tmp_path: Path) -> None:
    head = "I0612 10:00:00.000100 140012345 train.py:210] Config: num_train_steps=100000 warmup_steps=100"
    lines = [
        f"I0612 10:{i:02d}:00.000100 139812 logging_writer.py:48] [{50 * i}] learning_rate=0.1, loss={9 / i:.4f}"
        for i in range(1, 50)
    ]
    run = read(tmp_path, [head, *lines])
    assert (int(run.step[-1]), run.facts["planned_steps"], len(run.step)) == (2450, 100_000, 49)


def test_a_line_that_says_validation_holds_the_validation_loss(tmp_path: Path) -> None:
    at, lines = "2023-05-12 18:00:00,853 INFO [train.py:892] (0/4) Epoch", []
    for epoch in range(1, 9):
        loss = f"loss[loss={1 / epoch:.4f}, over 15.00 frames. ], batch size: 62"
        lines += [f"{at} {epoch}, batch {batch}, {loss}" for batch in (0, 50)]
        lines.append(f"{at} {epoch}, validation: loss={2 / epoch:.4f}, over 9.00 frames. ")
    run = read(tmp_path, lines)
    assert run.points("validation_loss")[1] == pytest.approx(2 / np.arange(1, 9), abs=1e-4)
    assert int(np.isfinite(run.column(run.loss)).sum()) == 16


@pytest.mark.parametrize(
    ("name", "read_as"), [("run-train_1-tag-epoch_loss.csv", "epoch_loss"), ("run-.-tag-val_loss.csv", "val_loss")]
)
def test_a_series_downloaded_from_tensorboard_is_named_by_its_file(tmp_path: Path, name: str, read_as: str) -> None:
    lines = ["Wall time,Step,Value", *(f"{1717200000 + i}.5,{10 * i},{3 / (i + 1)}" for i in range(30))]
    run = read(tmp_path, lines, name)
    assert (run.loss_name, int(run.step[-1]), run.source.format) == (read_as, 290, "tensorboard csv")


@pytest.mark.parametrize("name", ["data_cost", "reader_cost", "timers/data_loading_time", "data_wait_seconds"])
def test_names_of_waiting_for_data(name: str) -> None:
    assert role(name) == "data"


def test_the_cost_of_data_is_waiting(tmp_path: Path) -> None:
    lines = [f"step: {i} loss: {3 / i:.3f} batch_cost: 1.5 data_cost: 1.1" for i in range(1, 40)]
    assert read(tmp_path, lines).column(DATA_SECONDS) == pytest.approx(np.full(39, 1.1))


def test_a_heading_says_what_the_indented_line_below_it_was_measured_on(tmp_path: Path) -> None:
    lines = []
    for epoch in range(1, 21):
        lines += [f"Epoch {epoch}", "-------", f"Train loss: {1 / epoch:7f}", "Test Error: "]
        lines += [f" Accuracy: {90 - 9 / epoch:.1f}%, Avg loss: {2 / epoch:8f} ", ""]
    run = read(tmp_path, lines)
    assert run.points("validation_loss")[1] == pytest.approx(2 / np.arange(1, 21), abs=1e-5)
    source = run.source
    assert source.lines == sum(source.used.values()) + sum(source.ignored.values()) + source.failed
    assert source.ignored["headings"] == 20


def test_results_named_validation_and_steps_in_brackets(tmp_path: Path) -> None:
    lines = [
        f"{kind} Results - Epoch: {i} Avg accuracy: 0.9 Avg loss: {first / i:.4f}"
        for i in range(1, 30)
        for kind, first in (("Training", 1), ("Validation", 2))
    ]
    assert read(tmp_path, lines).points("validation_loss")[1] == pytest.approx(2 / np.arange(1, 30), abs=1e-4)
    run = read(tmp_path, [f"[{25 * i:,}] LogLoss: {1 / i:.4f}" for i in range(1, 90)])
    assert int(run.step[-1]) == 25 * 89


def test_of_two_sets_without_a_known_name_the_one_that_is_fitted_better_is_the_training_set(tmp_path: Path) -> None:
    lines = [f"[{i}]\tholdback's rmse: {3 + 6 / i:.4f}\tfit's rmse: {9 / i:.4f}" for i in range(1, 60)]
    run = read(tmp_path, lines)
    assert (run.loss_name, len(run.points("validation_loss")[0])) == ("fit's rmse", 59)
