"""Two files of one folder that log the sets of one run, and times of which one is waiting for data."""

import json
from pathlib import Path

import numpy as np
import pytest

from isang.runs.read import table as t
from isang.runs.read.folders import read_runs


def _table(folder: Path, name: str, values: list[float]) -> None:
    text = "iter\tLogloss\n" + "".join(f"{n}\t{value}\n" for n, value in enumerate(values))
    (folder / name).write_text(text)


def test_files_whose_names_differ_in_the_set_are_one_run(tmp_path: Path) -> None:
    _table(tmp_path, "learn_error.tsv", [0.7 * 0.9**n for n in range(40)])
    _table(tmp_path, "test_error.tsv", [0.4 + 0.3 * 0.8**n for n in range(40)])
    (run,) = read_runs(tmp_path)
    assert run.column(run.loss)[:2].tolist() == [0.7, 0.7 * 0.9]
    assert run.column(t.VALIDATION_LOSS)[0] == 0.7
    assert "learn_error.tsv, test_error.tsv are sets of one run" in " ".join(note.en for note in run.source.notes)


def test_files_of_other_series_are_runs_of_their_own(tmp_path: Path) -> None:
    _table(tmp_path, "train_a.tsv", [0.7 * 0.9**n for n in range(40)])
    (tmp_path / "test_a.tsv").write_text("iter\tloss\n" + "".join(f"{n}\t{1 / (n + 1)}\n" for n in range(40)))
    assert len(read_runs(tmp_path)) == 2


@pytest.mark.parametrize(("left", "waits"), [(1.4, True), (0.5, False)])
def test_the_time_that_is_left_beside_computing_is_waiting(left: float, waits: bool, tmp_path: Path) -> None:
    computing = {"iter_time": left, "forward_time": 0.2, "backward_time": 0.2, "train_time": 1.85}
    rows = [{"step": n, "loss": 2 * 0.99**n, **computing} for n in range(1, 60)]
    (tmp_path / "log.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (run,) = read_runs(tmp_path / "log.jsonl")
    assert np.all(run.column(t.STEP_SECONDS) == 1.85)
    data = run.column(t.DATA_SECONDS)
    assert np.all(data == left) if waits else np.isnan(data).all()


def test_three_sets_are_one_run_too(tmp_path: Path) -> None:
    for name, floor in (("train", 0.1), ("val", 0.3), ("test", 0.35)):
        _table(tmp_path, f"{name}.csv", [floor + 0.6 * 0.9**n for n in range(40)])
    (run,) = read_runs(tmp_path)
    assert np.isclose(run.column(run.loss)[0], 0.7)
    assert np.isclose(run.column(t.VALIDATION_LOSS)[0], 0.9)


def test_records_that_name_their_set_are_told_apart(tmp_path: Path) -> None:
    rows = [row for n in range(1, 30) for row in (
        {"epoch": n, "loss": 0.6 * 0.9**n, "mode": "opt"}, {"epoch": n, "loss": 0.7 * 0.9**n, "mode": "eval"},
    )]  # fmt: skip
    (tmp_path / "log.txt").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (run,) = read_runs(tmp_path / "log.txt")
    assert np.allclose(run.column(t.VALIDATION_LOSS)[:2], [0.63, 0.567])
    assert np.allclose(run.column(run.loss)[:2], [0.54, 0.486])
