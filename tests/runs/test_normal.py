"""What a journal tells of the sessions that were learned as normal, and what the report asks about them."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from isang.config import TrainingConfig
from isang.runs.findings import Finding, RunContext
from isang.runs.findings.journal.normal import normal_sessions
from isang.runs.read.folders import read_runs
from isang.runs.read.lines.own_log import checked
from isang.runs.read.table import RunTable
from isang.training.journal.suspicious_normal import NormalSessions, RareFailure
from isang.training.loop import train
from tests.runs.test_inside import journal
from tests.training.runs import MODEL, data

HOSTILE = 'step=7/9 loss=99 epochs=3 INFO done training completed "quoted" \\ <b> 오류'
KNOWN = NormalSessions(
    unlabelled=2_000, with_rare_failures=12, templates=5,
    named=(RareFailure(HOSTILE, 7, "blk_1"), RareFailure("read {failed}", 3, "blk_2"), RareFailure("lost", 2, "blk_3"),
           RareFailure("lost again", 1, "blk_3")),
)  # fmt: skip


def judged(known: dict[str, Any] | None) -> Finding:
    table = dataclasses.replace(journal(), facts={"normal_sessions": known} if known is not None else {})
    return normal_sessions(table, RunContext(table))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("run")
    train(dataclasses.replace(data(), normal=KNOWN), MODEL, TrainingConfig(epochs=1, min_steps=0), folder)
    return folder


def tables(run: Path) -> list[RunTable]:
    return [table for path in (next((run / "logs").iterdir()), run / "metrics.jsonl") for table in read_runs(path)]


def test_the_text_and_the_metrics_tell_what_is_known_of_the_sessions(run: Path) -> None:
    wanted = json.loads(json.dumps(dataclasses.asdict(KNOWN)))
    assert [table.facts["normal_sessions"] for table in tables(run)] == [wanted, wanted]


def test_lines_of_other_logs_in_the_journal_are_no_data(run: Path) -> None:
    for table in tables(run):
        assert table.step.tolist() == [1, 2, 3]
        assert table.column(table.loss).max() < 99
        assert table.source.failed == 0
    assert tables(run)[0].facts["epochs"] == 1


def test_rare_failures_are_asked_about_and_named() -> None:
    finding = judged(dataclasses.asdict(KNOWN))
    assert finding.verdict == "cannot_tell"
    for said in finding.statement.values():
        for part in ("12", "2,000", "0.6 %", HOSTILE, "read {failed}", "blk_2"):
            assert part in said
        assert "lost again" not in said
    assert "and 2 more templates" in finding.statement["en"]
    assert "템플릿 2개" in finding.statement["ko"]
    assert [failure["sessions"] for failure in finding.evidence["rare_failures"]] == [7, 3, 2, 1]


def test_few_failures_labels_and_other_logs_are_not_asked_about() -> None:
    one = {"unlabelled": 2_000, "with_rare_failures": 1, "templates": 1, "named": []}
    assert judged(one).verdict == "ok"
    assert judged({**one, "with_rare_failures": 2}).verdict == "cannot_tell"
    assert judged({**one, "with_rare_failures": 0}).verdict == "ok"
    labelled = judged({**one, "unlabelled": 0, "with_rare_failures": 0})
    assert labelled.verdict == "ok"
    assert "label" in labelled.statement["en"]
    assert judged(None).verdict == "not_applicable"


@pytest.mark.parametrize(
    "record",
    [
        None, [], {}, {"unlabelled": 1}, {"unlabelled": 10**400, "with_rare_failures": 0, "templates": 0, "named": []},
        {"unlabelled": -1, "with_rare_failures": 0, "templates": 0, "named": []},
        {"unlabelled": 1, "with_rare_failures": True, "templates": 0, "named": []},
        {"unlabelled": 1, "with_rare_failures": 1, "templates": 1, "named": [{"template": 3}]},
        {"unlabelled": 1, "with_rare_failures": 1, "templates": 1, "named": "none"},
    ],
)  # fmt: skip
def test_what_is_not_ours_is_not_believed(record: Any) -> None:
    assert checked(record) is None


def test_more_than_we_write_is_left_out() -> None:
    failure = {"template": "lost", "sessions": 1, "first": "blk_1"}
    record = {"unlabelled": 9, "with_rare_failures": 1, "templates": 1, "named": [failure]}
    more = {**record, "kind": "normal_sessions", "named": [{**failure, "more": float("nan")}]}
    assert checked(more) == record
