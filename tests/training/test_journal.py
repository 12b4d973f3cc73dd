"""What a run writes down lets its own report judge it."""

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

import isang
from isang.config import TrainingConfig
from isang.runs.read.folders import read_runs
from isang.training.journal.journal import RunJournal
from isang.training.journal.parameter_groups import part_norms, part_ratios
from isang.training.loop import train
from tests.training.runs import MODEL, data, losses, records

CONFIG = TrainingConfig(epochs=16, min_steps=0, batch_size=32, patience=0)
PARTS = {"token_embedding", "position_embedding", "layers.0", "norm", "head_bias"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("run")
    train(data(), MODEL, CONFIG, folder)
    return folder


def test_every_interval_tells_speed_memory_and_how_each_part_moves(run: Path) -> None:
    intervals = records(run, "interval")
    assert [record["step"] for record in intervals] == sorted({*range(5, 81, 5), 50})
    for record in intervals:
        assert record["tokens_per_second"] > 0
        assert record["memory_mib"] > 1
        assert record["padding_share"] == 0
        for measure in ("gradient_norm", "update_ratio"):
            values = {name.removeprefix(f"{measure}."): value for name, value in record.items() if measure in name}
            assert set(values) == PARTS
            assert all(value > 0 for value in values.values())
        of_step = next(step for step in records(run, "step") if step["step"] == record["step"])
        total = np.sqrt(sum(record[f"gradient_norm.{part}"] ** 2 for part in PARTS))
        assert total == pytest.approx(of_step["gradient_norm"], rel=1e-4), "the parts make up the whole"


def test_the_spread_over_the_sessions_is_told_at_each_validation(run: Path) -> None:
    for record in records(run, "validation"):
        tails = [record[f"validation_session_loss_{name}"] for name in ("p50", "p90", "p99", "max")]
        assert tails == sorted(tails)
        assert 0 <= tails[0] <= tails[-1]


def test_the_text_and_the_metrics_tell_the_same(run: Path) -> None:
    """What a person reads is what a program reads: each series of the one is one of the other, value for value."""
    (text,) = read_runs(next((run / "logs").iterdir()))
    for kind in ("step", "interval", "validation"):
        for record in records(run, kind):
            row = text.step.tolist().index(record["step"])
            for name, value in record.items():
                column = {"loss": "batch_loss", "seconds": "step_seconds"}.get(name, name)
                if column in text.columns and not (kind == "validation" and name in ("loss_sum", "events")):
                    assert text.columns[column][row] == pytest.approx(value, rel=1e-5), name
    assert {f"update_ratio.{part}" for part in PARTS} <= set(text.columns)
    assert "validation_session_loss_p99" in text.series
    assert text.source.failed == 0


def test_the_report_on_our_own_run_lacks_nothing_that_a_journal_could_hold(run: Path) -> None:
    (report,) = isang.report([run])
    verdicts = {finding.id: finding.verdict for finding in report.findings}
    for finding in ("finite", "decreasing", "divergence", "schedule", "throughput", "start_loss", "restarts"):
        assert verdicts[finding] == "ok", finding


def test_a_layer_that_does_not_learn_is_seen_in_the_parts() -> None:
    model = torch.nn.ModuleDict({"layers": torch.nn.ModuleList([torch.nn.Linear(3, 3), torch.nn.Linear(3, 3)])})
    first, second = model["layers"]  # type: ignore[misc]
    second.requires_grad_(False)
    second(first(torch.ones(2, 3))).sum().backward()
    before = [weights.detach().clone() for weights in model.parameters()]
    torch.optim.SGD(model.parameters(), lr=0.1).step()
    assert part_norms(model)["layers.1"] == 0 < part_norms(model)["layers.0"]
    assert part_ratios(model, before)["layers.1"] == 0 < part_ratios(model, before)["layers.0"]


def test_half_a_line_that_a_kill_left_is_taken_back(tmp_path: Path) -> None:
    short = dataclasses.replace(CONFIG, epochs=1)
    train(data(), MODEL, short, tmp_path)
    log = next((tmp_path / "logs").iterdir())
    whole = {path: path.read_text() for path in (log, tmp_path / "metrics.jsonl")}
    for path, text in whole.items():
        path.write_text(text + '{"kind": "st')
    RunJournal(tmp_path, steps=5, epochs=1, resume=True).close()
    assert {path: path.read_text() for path in whole} == whole


def test_a_listener_hears_the_numbers_of_every_record_with_a_step(tmp_path: Path) -> None:
    heard: list[tuple[int, float]] = []

    def listen(numbers: Mapping[str, float], step: int) -> None:
        heard.append((step, numbers.get("loss", 0.0)))

    train(
        data(), MODEL, CONFIG, tmp_path, listener=lambda numbers, step: heard.append((step, numbers.get("loss", 0.0)))
    )
    assert [pair for pair in heard if pair[1]] == losses(tmp_path)


def test_the_plan_states_what_decides_the_run(run: Path) -> None:
    (plan,) = records(run, "plan")
    assert plan["steps"] == 80 == plan["epochs"] * plan["batches_per_epoch"]
    assert plan["seed"] == 0
    assert plan["estimated_seconds"] > 0
    last = records(run, "step")[-1]["loss"]
    assert last < plan["nats_by_frequency"] < np.log(data().vocabulary_size), "a guess by frequency lies in between"
    assert plan["tokens"] == 16 * data().training.lengths.sum()
    (environment,) = records(run, "environment")
    assert {"python", "torch", "numpy", "isang", "cores", "threads", "device", "precision"} <= set(environment)
    json.dumps(plan, allow_nan=False)
