"""Faults planted in a detailed journal are named, and a clean journal names none."""

from dataclasses import replace

import numpy as np
import pytest

from isang.runs.findings import RunContext, judge
from isang.runs.findings.journal.training_internals import (
    hardly_learned,
    heavy_tail,
    huge_updates,
    ordered_data,
    still_parts,
)
from isang.runs.read.table import Floats, RunSource, RunTable

EPOCHS, BATCHES = 10, 50
N = EPOCHS * BATCHES


def journal(course: Floats | float = 0.0, seed: int = 0, **columns: Floats) -> RunTable:
    """A falling loss over ten epochs of fifty batches, times e to the course."""
    rng = np.random.default_rng(seed)
    loss = (0.2 + 2 * np.exp(-np.arange(N) / 100)) * np.exp(0.1 * rng.standard_normal(N) + course)
    return RunTable(
        "run", RunSource("run", "made", 0, N), np.arange(1, N + 1), np.arange(N) // BATCHES + 1.0,
        {"batch_loss": loss, **columns}, "batch_loss", 1.0,
        facts={"batches_per_epoch": BATCHES, "vocabulary_size": 100},
    )  # fmt: skip


def ratios(**parts: float) -> dict[str, Floats]:
    """Update ratios by part, logged every tenth step."""
    at = np.where(np.arange(N) % 10 == 9, 1.0, np.nan)
    return {f"update_ratio.{part}": ratio * at for part, ratio in parts.items()}


def found(table: RunTable, finding: str) -> tuple[str, str]:
    chosen = next(entry for entry in judge(table) if entry.id == finding)
    return chosen.verdict, chosen.statement["en"]


def test_a_part_that_does_not_move_is_named() -> None:
    table = journal(**ratios(embedding=2e-3, first_layer=0.0, second_layer=1e-3, norm=2e-4))
    verdict, said = found(table, "stability")
    assert verdict == "problem"
    assert "do not move: first_layer." in said
    fault = still_parts(table)
    assert fault is not None
    assert fault.evidence["still_parts"] == ["first_layer"]


def test_parts_that_all_move_are_no_fault() -> None:
    assert still_parts(journal(**ratios(embedding=2e-3, first_layer=1e-3, norm=1e-4))) is None
    assert still_parts(journal()) is None
    assert still_parts(journal(**ratios(only=0.0))) is None


def test_steps_that_are_far_too_large_are_named() -> None:
    verdict, said = found(journal(**ratios(embedding=0.2, first_layer=0.1, norm=0.01)), "stability")
    assert verdict == "problem"
    assert "by 10 %" in said
    assert huge_updates(journal(**ratios(bias=0.3, embedding=0.02, first_layer=0.007))) is None


@pytest.mark.parametrize(("ratio", "best", "named"), [(0.02, 1.5, True), (0.02, 0.4, False), (0.005, 1.5, False)])
def test_large_steps_are_named_where_the_model_learns_little(ratio: float, best: float, named: bool) -> None:
    """Of 2 nats by frequency; the rate falls to nothing, and with it the ratio, which says nothing of the rest."""
    rate = np.linspace(1.0, 0.0, N)
    table = journal(
        learning_rate=rate, validation_loss=best + 1 / np.arange(1, N + 1),
        **{name: series * np.minimum(1, 2 * rate) for name, series in ratios(one=ratio, two=ratio, bias=1.0).items()},
    )  # fmt: skip
    assert huge_updates(table) is None, "what frequency alone gives is not known"
    table = replace(table, facts={**table.facts, "nats_by_frequency": 2.0})
    fault = huge_updates(table)
    assert (fault is not None) == named
    if fault is not None:
        assert fault.evidence["usual_update_ratio"] == pytest.approx(ratio)
        assert found(table, "stability")[0] == "problem"


def test_a_model_that_knows_frequencies_alone_is_named() -> None:
    table = journal(validation_loss=np.full(N, 1.7))
    assert hardly_learned(table) is None
    table = replace(table, facts={**table.facts, "nats_by_frequency": 2.0})
    verdict, said = found(table, "measured_quality")
    assert verdict == "problem"
    assert "85 %" in said
    assert hardly_learned(replace(table, columns={"validation_loss": np.full(N, 1.5)})) is None


def test_data_in_one_order_is_named() -> None:
    saw_tooth = np.tile(np.linspace(-0.5, 0.5, BATCHES), EPOCHS)
    verdict, said = found(journal(saw_tooth), "stability")
    assert verdict == "problem"
    assert "not shuffled" in said


def test_shuffled_data_is_not_called_ordered() -> None:
    assert [seed for seed in range(60) if _ordered(journal(seed=seed))] == []


def _ordered(table: RunTable) -> bool:
    return ordered_data(table, RunContext(table)) is not None


@pytest.mark.parametrize("name", ["running_mean", "validation_loss"])
def test_a_running_mean_starts_anew_each_epoch_by_itself(name: str) -> None:
    saw_tooth = journal(np.tile(np.linspace(-0.5, 0.5, BATCHES), EPOCHS))
    assert not _ordered(replace(saw_tooth, loss=name, columns={name: saw_tooth.columns["batch_loss"]}))


def test_a_rate_that_starts_anew_each_epoch_explains_the_course() -> None:
    steps = np.arange(N) % BATCHES
    rate = 1e-3 * (1 + np.cos(np.pi * steps / BATCHES)) / 2
    assert not _ordered(journal(np.tile(np.linspace(-0.5, 0.5, BATCHES), EPOCHS), learning_rate=rate))


def quantiles(p50: float, p90: float, p99: float) -> dict[str, Floats]:
    at = np.where(np.arange(N) % BATCHES == BATCHES - 1, 1.0, np.nan)
    spread = {"p50": p50, "p90": p90, "p99": p99, "max": 2 * p99}
    return {
        "validation_loss": (p50 + 1 / (1 + np.arange(N))) * at,
        **{f"validation_session_loss_{name}": value * at for name, value in spread.items()},
    }


def test_a_few_sessions_unlike_all_others_are_named() -> None:
    verdict, said = found(journal(**quantiles(0.01, 0.2, 4.9)), "normal_sessions")
    assert verdict == "problem"
    assert "4.9" in said
    assert found(journal(**quantiles(0.01, 0.2, 1.6)), "normal_sessions")[0] == "not_applicable"
    assert heavy_tail(journal(**quantiles(2.0, 2.5, 3.0))) is None, "an untrained model finds everything strange"
    assert heavy_tail(journal()) is None


def test_noise_that_falls_less_than_the_level_is_no_instability() -> None:
    rng = np.random.default_rng(0)
    level = np.geomspace(1.0, 0.01, 2000)
    table = journal()
    loss = level + 0.05 * np.sqrt(level) * rng.standard_normal(2000).clip(-2, 2)
    table = replace(table, step=np.arange(1, 2001), epoch=np.full(2000, np.nan), columns={"batch_loss": loss}, facts={})
    assert found(table, "stability")[0] == "ok"
    louder = 1.0 + 0.02 * np.geomspace(1, 4, 2000) * rng.standard_normal(2000)
    assert found(replace(table, columns={"batch_loss": louder}), "stability")[0] == "problem"
