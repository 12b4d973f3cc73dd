"""The verdicts that a person gave on small runs of known answer, which lie beside the project."""

import shlex
from pathlib import Path

import pytest

from isang.runs.report.judge import JudgedRun, make_report
from isang.stages import report

PROBLEMS = {
    "constant_loss": {"decreasing"},
    "early_stop_against_the_metric": {"convergence"},
    "grpo_normal": set(),
    "level_shift": {"divergence", "spikes"},
    "llamafactory_trainer_log": set(),
    "loss_among_many_series": set(),
    "many_short_epochs": {"convergence"},
    "maximised_metric": set(),
    "more_than_needed": {"decreasing"},
    "rate_drop_with_few_points": set(),
    "rate_on_a_line_of_its_own": {"schedule"},
    "rate_reset_at_resume": {"schedule", "restarts", "convergence"},
    "run_in_progress": set(),
    "spacy_sums": set(),
    "staircase_of_epochs": {"overfitting", "stopping_point"},
    "waiting_for_data": {"throughput", "convergence"},
    "xgboost_validation_0": {"overfitting", "stopping_point"},
    "yolov5_rate_and_parts": {"overfitting"},
    "zero_loss_nan_grad": {"finite", "decreasing"},
}
"""By case: the findings that are problems. That one may stand for another reason than the case's is checked below."""


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> Path:
    folder = shared_data.parent / "cases" / "judge"
    if not folder.is_dir():
        pytest.skip(f"needs the cases in {folder}")
    return folder


def judged(case: Path) -> JudgedRun:
    words = shlex.split((case / "command.txt").read_text())
    loss = words[words.index("--loss") + 1] if "--loss" in words else None
    (found,) = report([case / words[2]], loss=loss)
    return found


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_problems_are_those_that_a_person_names(cases: Path, name: str) -> None:
    findings = judged(cases / name).findings
    assert {finding.id for finding in findings if finding.verdict == "problem"} == PROBLEMS[name]


@pytest.mark.parametrize(
    ("name", "finding", "words"),
    [
        ("constant_loss", "decreasing", "never changes: it is 0.6931 in all 300 rows, ln 2"),
        ("early_stop_against_the_metric", "stopping_point", "Judged by the metric val_mAP"),
        ("level_shift", "divergence", "at step 3,600 and stays there"),
        ("llamafactory_trainer_log", "restarts", "(75 %)"),
        ("rate_on_a_line_of_its_own", "schedule", "polynomial decay was cut off"),
        ("rate_reset_at_resume", "schedule", "starts over at step 201"),
        ("run_in_progress", "convergence", "at 2 % of its plan"),
        ("staircase_of_epochs", "overfitting", "by heart"),
        ("waiting_for_data", "throughput", "92 % of each step is waiting for data"),
        ("zero_loss_nan_grad", "finite", "gradient norm is NaN or infinite at 81 steps"),
        ("zero_loss_nan_grad", "decreasing", "exactly 0 from step 40"),
    ],
)
def test_they_are_named_for_what_they_are(cases: Path, name: str, finding: str, words: str) -> None:
    said = {entry.id: entry.statement["en"] for entry in judged(cases / name).findings}
    assert words in said[finding]


def test_few_values_and_skewed_noise_are_no_fault(cases: Path) -> None:
    short, skewed = judged(cases / "short_run_flat_at_the_end"), judged(cases / "skewed_noise")
    assert {f.id: f.verdict for f in short.findings}["convergence"] in ("ok", "cannot_tell")
    assert {f.id: f.verdict for f in skewed.findings}["spikes"] == "ok"


def test_a_run_that_is_fine_at_its_end_is_said_so_while_it_goes_on(cases: Path) -> None:
    (found,) = make_report(cases / "run_in_progress" / "train.log", going_on=True)
    assert not [finding.id for finding in found.findings if finding.verdict == "problem"]
