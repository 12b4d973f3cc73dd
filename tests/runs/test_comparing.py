"""Runs beside each other: the best first, with the settings that differ."""

import json
from pathlib import Path

import pytest

from isang import summaries
from isang.runs.read.folders import read_runs
from isang.runs.read.folders.settings import settings_of
from isang.runs.report.judge import JudgedRun, judged
from isang.runs.report.report import report_html
from isang.runs.text.comparing import comparison

RATES = {"a": ("0.1", 0.5), "b": ("0.01", 0.3), "c": ("0.001", 0.4)}


@pytest.fixture
def runs(tmp_path: Path) -> list[JudgedRun]:
    """Three runs, each in a folder with its settings; `b` has the lowest validation loss."""
    for name, (rate, best) in RATES.items():
        home = tmp_path / name
        home.mkdir()
        rows = "".join(f"{i},{2 / i},{best + 1 / i}\n" for i in range(1, 31))
        (home / "metrics.csv").write_text("step,train_loss,val_loss\n" + rows)
        (home / "hparams.yaml").write_text(f"model:\n  width: 16\noptim:\n  lr: {rate}  # of Adam\nseed: 1\n")
    return [judged(table) for table in read_runs(tmp_path)]


def test_the_best_run_stands_first_with_the_settings_that_differ(runs: list[JudgedRun]) -> None:
    table = comparison(runs, "en")
    assert [row[0] for row in table.rows] == ["b", "c", "a"]
    assert list(table.header[4:6]) == ["Lowest validation loss", "optim.lr"]
    assert [row[5] for row in table.rows] == ["0.01", "0.001", "0.1"]
    assert table.rows[0][4] == "0.3333 at 30"


def test_the_terminal_ends_with_the_comparison(runs: list[JudgedRun]) -> None:
    last = summaries.of_reports(runs, "en", as_json=False).splitlines()[-4:]
    assert last[0] == "The 3 runs, the best first:"
    assert last[1].startswith("  b: Validation loss 0.3333 at 30, optim.lr=0.01, ")
    korean = summaries.of_reports(runs, "ko", as_json=False).splitlines()[-4]
    assert korean == "실행 3개(좋은 순서):"
    documents = json.loads(summaries.of_reports(runs, "en", as_json=True))["runs"]
    assert documents[0]["settings"] == {"model.width": "16", "optim.lr": "0.1", "seed": "1"}


def test_runs_without_a_common_measure_keep_their_order(runs: list[JudgedRun], tmp_path: Path) -> None:
    (tmp_path / "plain.csv").write_text("step,train_loss\n" + "".join(f"{i},{2 / i}\n" for i in range(1, 31)))
    (plain,) = (judged(table) for table in read_runs(tmp_path / "plain.csv"))
    assert [row[0] for row in comparison([runs[0], plain, runs[1]], "en").rows] == ["a", "plain.csv", "b"]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("config.yaml", "wandb_version: 1\n_wandb:\n  desc: null\nlr:\n  desc: null\n  value: 0.3\n", {"lr": "0.3"}),
        ("args.json", '{"lr": 0.1, "nested": {"depth": 2, "list": [1]}}', {"lr": "0.1", "nested.depth": "2"}),
        ("hparams.yaml", "tags: [a, b]\nnote: |\n  lr of ten\nname: 'x'\n", {"name": "x"}),
        ("config.json", "{", {}),
        ("config.json", "[" * 100_000, {}),
        ("hparams.yaml", "x: 1\n" * 100_000, {}),
    ],
)
def test_settings_of_tools(tmp_path: Path, name: str, content: str, expected: dict[str, str]) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / name).write_text(content)
    assert settings_of(tmp_path / "run", tmp_path) == expected


def test_a_name_from_a_settings_file_stays_text(tmp_path: Path) -> None:
    for number in (1, 2):
        home = tmp_path / str(number)
        home.mkdir()
        (home / "metrics.csv").write_text("step,loss\n" + "".join(f"{i},{2 / i}\n" for i in range(1, 31)))
        (home / "args.json").write_text(json.dumps({"<script>": f"<b>{number}\x1b[31m"}))
    runs = [judged(table) for table in read_runs(tmp_path)]
    assert "\x1b" not in summaries.of_reports(runs, "en", as_json=False)
    assert "<b>1" not in report_html(runs[0], "en")
