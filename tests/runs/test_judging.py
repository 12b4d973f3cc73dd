"""Statistics, verdicts and forecasts: the reference's numbers, planted faults named, clean runs left alone."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.runs.findings import FINDINGS, NOT_IN_A_LOG, Finding, RunContext, judge
from isang.runs.findings.generalisation import overfitting
from isang.runs.findings.progress.convergence import convergence
from isang.runs.findings.progress.descent import decreasing
from isang.runs.findings.schedule import schedule
from isang.runs.read.folders import read_runs
from isang.runs.read.table import EpochLine, Floats, Restart, RunSource, RunTable
from isang.runs.statistics import run_statistics as s
from isang.runs.statistics.forecast import forecast, predict
from isang.runs.statistics.learning_rate.schedule_fit import recognise_schedule
from isang.runs.statistics.noise import RESAMPLES, trend
from isang.runs.statistics.overfitting_rise import rise_after_best
from isang.runs.statistics.spikes import find_spikes, positions
from isang.runs.text.writing import duration, with_interval

IDS = (
    "finite", "decreasing", "divergence", "spikes", "stability", "convergence", "schedule", "overfitting",
    "stopping_point", "start_loss", "throughput", "restarts", "normal_sessions", "measured_quality",
)  # fmt: skip


def run(
    loss: Floats, *, epoch: Floats | None = None, facts: dict[str, Any] | None = None, **columns: Floats
) -> RunTable:
    """A run with these batch losses at steps 1 to n; NaN losses count as logged."""
    n = len(loss)
    return RunTable(
        name="run", source=RunSource("run", "made", 0, n), step=np.arange(1, n + 1),
        epoch=np.full(n, np.nan) if epoch is None else epoch, columns={"batch_loss": loss, **columns},
        loss="batch_loss", loss_window=1.0, facts=facts or {},
        logged_nan={"batch_loss": np.flatnonzero(np.isnan(loss))} if np.isnan(loss).any() else {},
    )  # fmt: skip


def noise(n: int, memory: float, seed: int, *, heavy: bool = False) -> Floats:
    """AR(1) noise of unit scale."""
    rng = np.random.default_rng(seed)
    drawn = rng.standard_t(3, n + 200) if heavy else rng.standard_normal(n + 200)
    values = np.zeros(n + 200)
    for i in range(1, n + 200):
        values[i] = memory * values[i - 1] + drawn[i]
    return np.asarray(values[200:] * math.sqrt(1 - memory**2))


def decay(n: int, seed: int = 0) -> Floats:
    return np.asarray(0.5 + 3 * np.exp(-np.arange(n) / (n / 6)) + 0.02 * noise(n, 0.3, seed))


def verdict(table: RunTable, finding: str) -> Finding:
    return next(found for found in judge(table) if found.id == finding)


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> RunTable:
    return read_runs(shared_data / "runs" / "training_20260105_090738.log.zst")[0]


def test_every_total_of_the_reference_report(reference: RunTable) -> None:
    found = s.statistics(reference)
    assert (found["started"], found["ended"]) == ("2026-01-05T09:07:38", "2026-01-07T18:39:00")
    assert round(found["duration_seconds"] / 86_400, 1) == 2.4
    assert [found[k] for k in ("epochs", "steps", "batches_per_epoch")] == [10, 192_520, 19_252]
    assert [found[k] for k in ("batch_size", "batch_size_per_device", "devices")] == [128, 32, 4]
    mean = found["running_mean"]
    assert [mean[k] for k in ("initial", "final", "minimum", "minimum_step")] == [9.3812, 0.2029, 0.1807, 115_513]
    assert mean["minimum_is_first_of_epoch"] is True
    assert mean["minimum_epoch"] == 7
    assert round(mean["decrease_percent"], 2) == 97.84
    assert found["smoothed_loss"]["minimum_epoch"] == 10


def test_every_epoch_and_phase_of_the_reference_report(reference: RunTable) -> None:
    found = s.epochs(reference)
    assert [e["mean_loss"] for e in found] == [
        1.0315, 0.4429, 0.3053, 0.2550, 0.2365, 0.2305, 0.2281, 0.2234, 0.2147, 0.2029,
    ]  # fmt: skip
    assert [round(e["improvement_percent"], 1) for e in found[1:]] == [57.1, 31.1, 16.5, 7.3, 2.5, 1.0, 2.1, 3.9, 5.5]
    assert [round(e["cumulative_decrease_percent"], 1) for e in found[1:]] == [
        57.1, 70.4, 75.3, 77.1, 77.7, 77.9, 78.3, 79.2, 80.3,
    ]  # fmt: skip
    phases = s.phases(reference)
    assert [(p["name"], p["first_epoch"], p["last_epoch"]) for p in phases] == [
        ("early", 1, 1), ("middle", 2, 5), ("late", 6, 10),
    ]  # fmt: skip
    assert [round(p["decrease_percent"], 1) for p in phases] == [89.0, 77.1, 14.2]


def test_the_verdicts_on_the_reference_log(reference: RunTable) -> None:
    found = {f.id: f for f in judge(reference)}
    assert {name for name, f in found.items() if f.verdict == "problem"} == {"schedule", "convergence"}
    assert found["schedule"].evidence["family"] == "cosine"
    assert found["schedule"].evidence["parameters"]["T_max"] == pytest.approx(100_000, rel=0.01)
    assert found["schedule"].evidence["rises_again_at"] == pytest.approx(100_000, rel=0.01)
    for text in found["schedule"].statement.values():
        assert "100,000" in text
        assert "192,520" in text
    assert found["convergence"].evidence["outcome"] == "falling"
    around = found["convergence"].evidence["around_low_point"]
    assert around["first_step"] < 100_000 < around["last_step"]
    assert abs(around["percent"]) < 4
    assert "low point" in found["convergence"].statement["en"]
    assert found["overfitting"].verdict == "not_applicable"
    assert "No validation loss was logged" in found["overfitting"].statement["en"]
    assert found["measured_quality"].verdict == "not_applicable"
    assert found["measured_quality"].evidence["loss_scale"]["reached"] == ["basic", "practical", "good", "best"]
    told = forecast(reference)
    assert told["verdict"] == "ok"
    assert [point["more"] for point in told["points"]] == [1, 2, 5, 10]


TABLES: dict[str, RunTable] = {
    "nothing finite": run(np.full(30, np.nan)),
    "one step": run(np.array([2.0])),
    "two steps": run(np.array([2.0, 1.0])),
    "constant": run(np.full(500, 1.0)),
    "negative": run(-decay(400)),
    "infinite": run(np.where(np.arange(400) > 300, np.inf, decay(400))),
    "huge": run(decay(300) * 1e300),
    "everything": run(
        decay(1000), epoch=np.repeat(np.arange(1.0, 11.0), 100), learning_rate=np.linspace(1e-3, 0, 1000),
        validation_loss=np.where(np.arange(1000) % 100 == 99, decay(1000, 1), np.nan), gradient_norm=np.ones(1000),
        time_seconds=np.arange(1000) * 0.5, facts={"vocabulary_size": 40, "batches_per_epoch": 100, "epochs": 10},
    ),
    "rate of zero": run(decay(400), learning_rate=np.zeros(400)),
    "rate with gaps": run(decay(400), learning_rate=np.where(np.arange(400) % 7, np.nan, 1e-3)),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_the_contract_holds_for_every_finding(name: str) -> None:
    table = TABLES[name]
    found = judge(table)
    assert tuple(f.id for f in found) == IDS == tuple(f.__name__ for f in FINDINGS)
    for finding in found:
        assert finding.verdict in ("ok", "problem", "cannot_tell", "not_applicable")
        assert set(finding.statement) == {"en", "ko"}
        assert all("nan" not in text.split() and text.strip() for text in finding.statement.values())
        assert finding.statement["en"].endswith(".") or finding.statement["en"].endswith("?")
        json.dumps(dict(finding.evidence), allow_nan=False)
        assert finding.remedy is None or set(finding.remedy) == {"en", "ko"}
    json.dumps(s.statistics(table), allow_nan=False)
    json.dumps([s.epochs(table), s.phases(table), recognise_schedule(table), forecast(table)], allow_nan=False)
    assert len(s.smoothed(table)) == len(table.step)


@given(st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 10)), min_size=1, max_size=90))
def test_any_losses_are_judged_without_an_error(values: list[float]) -> None:
    with np.errstate(all="ignore"):
        for finding in judge(run(np.array(values))):
            json.dumps(dict(finding.evidence), allow_nan=False)
        json.dumps([s.statistics(run(np.array(values))), forecast(run(np.array(values)))], allow_nan=False)


def test_what_a_log_cannot_show_is_said_in_both_languages() -> None:
    assert len(NOT_IN_A_LOG) >= 3
    assert all(set(entry) == {"en", "ko"} for entry in NOT_IN_A_LOG)


def test_the_same_table_gives_the_same_findings() -> None:
    table = TABLES["everything"]
    assert [repr(f) for f in judge(table)] == [repr(f) for f in judge(table)]
    assert forecast(table) == forecast(table)


@given(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=200), st.floats(-10, 10), st.floats(-100, 100))
def test_smoothing_follows_shifts_and_scales(values: list[float], factor: float, shift: float) -> None:
    loss = np.array(values)
    window = s.window_of(len(loss))
    moved = s.smooth(factor * loss + shift, window)
    assert moved == pytest.approx(factor * s.smooth(loss, window) + shift, abs=1e-6)


def test_smoothing_keeps_straight_lines_and_levels() -> None:
    line = np.linspace(5, 1, 400)
    assert s.smooth(line, 25) == pytest.approx(line)


def test_smoothing_has_no_step_where_an_epoch_starts() -> None:
    table = run(np.concatenate([np.full(300, 1.0), np.full(300, 1.0)]), epoch=np.repeat([1.0, 2.0], 300))
    assert s.smoothed(table) == pytest.approx(np.ones(600))


def test_epochs_by_hand() -> None:
    table = run(
        np.array([4.0, 2.0, 2.0, 1.0]), epoch=np.array([1.0, 1, 2, 2]), learning_rate=np.array([0.4, 0.3, 0.2, 0.1])
    )  # fmt: skip
    first, second = s.epochs(table)
    assert (first["mean_loss"], second["mean_loss"], second["improvement_percent"]) == (3.0, 1.5, 50.0)
    assert (second["learning_rate_first"], second["learning_rate_last"]) == (0.2, 0.1)
    assert first["loss_quartiles"] == [2.5, 3.0, 3.5]
    assert first["improvement_percent"] is None


def test_the_log_own_epoch_mean_comes_first() -> None:
    table = run(np.array([4.0, 2.0]), epoch=np.array([1.0, 1.0]))
    stated = RunTable(**{**table.__dict__, "epoch_lines": (EpochLine(1, 2, 2.9, 3.3, math.nan),)})
    (entry,) = s.epochs(stated)
    assert (entry["mean_loss"], entry["mean_loss_source"], entry["validation_loss"]) == (2.9, "log", 3.3)


def test_nan_and_infinity_are_found_with_their_steps() -> None:
    loss = decay(200)
    loss[[50, 51]] = np.nan
    loss[120] = np.inf
    found = verdict(run(loss), "finite")
    assert found.verdict == "problem"
    entry = found.evidence["series"][0]
    assert (entry["count"], entry["first_step"], entry["last_step"], entry["until_the_end"]) == (3, 51, 121, False)
    loss[150:] = np.nan
    assert verdict(run(loss), "finite").evidence["series"][0]["until_the_end"] is True


def test_a_rise_at_the_end_is_divergence_and_flat_noise_is_not() -> None:
    loss = decay(1000)
    loss[800:] += np.linspace(0, 2, 200)
    assert verdict(run(loss), "divergence").verdict == "problem"
    assert verdict(run(decay(1000)), "divergence").verdict == "ok"


@pytest.mark.parametrize(("memory", "heavy"), [(0.0, False), (0.5, True), (0.8, False), (0.95, False)])
def test_flat_runs_seldom_count_as_falling(memory: float, heavy: bool) -> None:
    """At a true rate of 3 %, more than nine alarms in 80 runs come about once in a thousand tests."""
    tables = [run(3 + 0.1 * noise(400, memory, seed, heavy=heavy)) for seed in range(80)]
    assert sum(decreasing(table, RunContext(table)).verdict == "ok" for table in tables) <= 9


def test_a_fall_of_two_noise_units_is_found() -> None:
    tables = [run(3 + 0.1 * noise(400, 0.5, seed) - 0.2 * np.linspace(0, 1, 400)) for seed in range(20)]
    assert sum(decreasing(table, RunContext(table)).verdict == "ok" for table in tables) >= 19


def test_a_steep_fall_to_a_plateau_is_a_fall() -> None:
    """No simple curve fits it, so that what is left looks like noise with a long memory."""
    step = np.arange(234)
    loss = 2 + 4 / (1 + np.exp((step - 30) / 8)) + np.random.default_rng(3).normal(0, 0.08, len(step))
    finding = verdict(run(loss), "decreasing")
    assert (finding.verdict, finding.evidence["outcome"]) == ("ok", "falls beyond its noise")
    assert finding.evidence["settled_noise_limit"] < finding.evidence["drop"] < finding.evidence["random_walk_limit"]


def test_the_trend_is_the_median_of_all_slopes() -> None:
    values = noise(60, 0.3, 5)
    pairs = [(values[j] - values[i]) / (j - i) for i in range(60) for j in range(i + 1, 60)]
    found = trend(values)
    assert found is not None
    assert found.change == pytest.approx(float(np.sort(pairs)[len(pairs) // 2]) * 59)
    assert len(found.by_noise) == RESAMPLES
    assert found.interval(0.5)[0] >= found.interval(0.9)[0]


def test_planted_spikes_are_found_and_nothing_else() -> None:
    loss = 2 + 3 * np.exp(-np.arange(3000) / 400) + 0.1 * noise(3000, 0.0, 3)
    where = np.array([100, 900, 1500, 2222, 2800])
    loss[where] += 1.2
    found = find_spikes(loss)
    assert found is not None
    assert set(where.tolist()) <= set(positions(found).tolist())
    assert len(found.found) <= 6
    assert all(spike.kind == "recovered" for spike in found.found)


def test_many_spikes_are_told_from_a_heavy_tail_by_what_lies_below_the_curve() -> None:
    loss = 3 + 0.1 * noise(8000, 0.0, 5, heavy=True)
    where = np.arange(60, 8000, 80)
    assert len(find_spikes(loss).found) <= 1
    loss[where] += 3.0
    found = find_spikes(loss)
    hits = len(set(positions(found).tolist()) & set(where.tolist()))
    assert hits >= 0.97 * len(where)
    assert hits >= 0.9 * len(found.found)


def test_the_spikes_of_a_real_run_are_counted(shared_data: Path) -> None:
    table = read_runs(shared_data / "runs" / "modded_nanogpt" / "scaleup1b_spiky.txt")[0]
    found = verdict(table, "spikes")
    assert found.verdict == "problem"
    assert found.evidence["recovered"] >= 0.95 * found.evidence["count"] > 50


def test_a_lasting_jump_is_no_recovered_spike() -> None:
    loss = 2 + 0.05 * noise(2000, 0.0, 1)
    loss[1000:] += 2 * np.exp(-np.arange(1000) / 400)
    found = find_spikes(loss)
    assert found is not None
    assert {spike.kind for spike in found.found} <= {"lingering", "divergent"}
    assert found.found


def test_spikes_of_a_loss_that_has_come_down_to_nothing_are_no_problem() -> None:
    """A loss of 4 that ends at a thousandth: doubling for a step there is found, and costs nothing."""
    x = np.arange(2000)
    loss = 1e-3 + 4 * np.exp(-x / 60) + 2e-5 * noise(2000, 0.0, 4)
    low = np.arange(1000, 1900, 100)
    loss[low] += 1e-3
    found = verdict(run(loss), "spikes")
    assert found.evidence["count"] >= len(low)
    assert (found.verdict, found.evidence["tall"]) == ("ok", 0)
    loss[low] += 0.5
    assert verdict(run(loss), "spikes").verdict == "problem"


def test_a_low_jump_that_stays_is_no_problem_and_a_high_one_is() -> None:
    loss = 2 + 3 * np.exp(-np.arange(2000) / 100) + 0.002 * noise(2000, 0.0, 6)
    for rise, expected in ((0.02, "ok"), (0.5, "problem")):
        higher = loss.copy()
        higher[1500:] += rise
        found = verdict(run(higher), "spikes")
        assert found.evidence["lingering"] + found.evidence["divergent"] >= 1
        assert found.verdict == expected


def test_a_steep_start_is_no_spike() -> None:
    found = find_spikes(0.5 + 8 * np.exp(-np.arange(2000) / 10) + 0.01 * noise(2000, 0.0, 2))
    assert found is not None
    assert not found.found


def cosine(n: int, period: float, peak: float = 1e-3, low: float = 0.0) -> Floats:
    return np.asarray(low + (peak - low) / 2 * (1 + np.cos(np.pi * np.arange(n) / period)))


N = 2000
X = np.arange(N)
WARM = np.minimum(1.0, (X + 1) / 100)
SCHEDULES: dict[str, tuple[Floats, str, str]] = {
    "constant": (np.full(N, 1e-3), "constant", "ok"),
    "cosine": (cosine(N, N - 1), "cosine", "ok"),
    "cosine, T_max short": (cosine(N, 0.52 * N), "cosine", "problem"),
    "cosine, cut off": (cosine(N, 2.0 * N), "cosine", "problem"),
    "linear": (1e-3 * (1 - X / N), "linear", "ok"),
    "linear, cut off": (1e-3 * (1 - X / N / 2), "linear", "problem"),
    "step": (1e-3 * 0.1 ** (3 * X // N), "step", "ok"),
    "exponential": (1e-3 * np.exp(-4 * X / N), "exponential", "ok"),
    "inverse root": (1e-3 * np.minimum(WARM, np.sqrt(100 / (X + 1))), "inverse root", "ok"),
    "stable": (1e-3 * np.minimum(WARM, np.minimum(1, (N - X) / 400)), "warm-up-stable-decay", "ok"),
    "restarts": (np.tile(cosine(500, 500), 4), "cosine with restarts", "ok"),
    "cyclic": (1e-3 * np.abs((X / 250) % 2 - 1), "cyclic", "ok"),
    "warm-up only": (1e-3 * (X + 1) / N, "warm-up", "problem"),
    "a tail of zero": (np.maximum(1e-3 * (1 - X / 1000), 0.0), "other", "problem"),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_are_recognised_and_judged(name: str) -> None:
    rates, family, expected = SCHEDULES[name]
    table = run(decay(N), learning_rate=np.array([float(f"{rate:.4g}") for rate in rates]))
    found = schedule(table, RunContext(table))
    if name != "a tail of zero":
        assert found.evidence["family"] == family
    assert found.verdict == expected
    if name == "cosine, T_max short":
        assert found.evidence["parameters"]["T_max"] == pytest.approx(0.52 * N, rel=0.01)


def test_an_early_stop_is_not_blamed_for_its_schedule() -> None:
    table = run(decay(N), learning_rate=cosine(N, 2.0 * N), facts={"stop_reason": "patience"})
    found = schedule(table, RunContext(table))
    assert found.verdict == "ok"
    assert "on purpose" in found.statement["en"]


def test_a_run_that_goes_on_is_not_blamed_for_a_cut_off_schedule() -> None:
    rates = 1e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(600) / 1000))
    going_on = verdict(run(decay(600), facts={"unfinished": True}, learning_rate=rates), "schedule")
    assert (going_on.verdict, verdict(run(decay(600), learning_rate=rates), "schedule").verdict) == (
        "cannot_tell", "problem",
    )  # fmt: skip


def test_flat_at_a_low_rate_is_not_converged() -> None:
    flat = 1 + 0.01 * noise(N, 0.3, 4)
    low = run(flat, learning_rate=np.maximum(cosine(N, 1200), 0.0) * (X < 1200) + 1e-9)
    assert convergence(low, RunContext(low)).evidence["outcome"] == "flat at a low rate"
    fallen = run(flat + 2 * np.exp(-X / 30), learning_rate=np.full(N, 1e-3))
    assert convergence(fallen, RunContext(fallen)).verdict == "ok"
    level = run(flat, learning_rate=np.full(N, 1e-3))
    assert convergence(level, RunContext(level)).evidence["outcome"] == "flat from the start"
    falling = run(flat - np.linspace(0, 0.3, N), learning_rate=np.full(N, 1e-3))
    assert convergence(falling, RunContext(falling)).evidence["outcome"] == "falling"


def with_validation(held_out: Floats, *, rates: Floats | None = None, train: Floats | None = None) -> RunTable:
    n = len(held_out) * 20
    column = np.full(n, np.nan)
    column[19::20] = held_out
    return run(
        decay(n) if train is None else train, validation_loss=column,
        learning_rate=np.full(n, 1e-3) if rates is None else rates,
    )  # fmt: skip


def test_overfitting_is_told_from_noise_rate_and_a_worse_run() -> None:
    x = np.arange(40)
    rising = 1 + np.exp(-x / 4) + np.maximum(x - 15, 0) / 50 + 0.01 * noise(40, 0.0, 1)
    falling = 1 + np.exp(-x / 10) + 0.01 * noise(40, 0.0, 2)
    table = with_validation(rising)
    found = overfitting(table, RunContext(table))
    assert found.verdict == "problem"
    assert 12 * 20 <= found.evidence["best_step"] <= 19 * 20
    table = with_validation(falling)
    assert overfitting(table, RunContext(table)).verdict == "ok"
    table = with_validation(rising, rates=1e-3 * (0.1 + np.maximum(np.arange(800) - 300, 0) / 500))
    assert overfitting(table, RunContext(table)).evidence["cause"] == "learning_rate"
    table = with_validation(rising, train=decay(800) + np.maximum(np.arange(800) - 300, 0) / 500)
    assert overfitting(table, RunContext(table)).evidence["cause"] == "training"


def test_flat_validation_is_seldom_called_overfitting() -> None:
    tables = [with_validation(2 + 0.05 * noise(50, 0.3, seed)) for seed in range(60)]
    assert sum(overfitting(table, RunContext(table)).verdict == "problem" for table in tables) <= 5


def test_the_rise_after_the_best_by_hand() -> None:
    found = rise_after_best(np.array([3.0, 1.0, 2.0, 4.0, 6.0]))
    assert (found.best, found.size) == (1, 5.0)
    assert found.threshold > 0


def test_the_stopping_point_says_what_it_rests_on() -> None:
    epoch = np.repeat(np.arange(1.0, 11.0), 100)
    found = verdict(run(decay(1000), epoch=epoch), "stopping_point")
    assert found.evidence["judged_by"] == "training loss"
    assert "training loss alone" in found.statement["en"]
    x = np.arange(40)
    held_out = 1 + np.exp(-x / 2) + 0.002 * noise(40, 0.0, 1) + np.maximum(x - 20, 0) / 100
    found = verdict(with_validation(held_out), "stopping_point")
    assert found.evidence["judged_by"] == "validation loss"
    assert found.verdict == "problem"
    assert found.evidence["prechelt"]["GL5"] is not None
    table = with_validation(held_out)
    short = RunTable(**{**table.__dict__, "columns": {**table.columns, "time_seconds": 0.01 * table.step}})
    assert verdict(short, "stopping_point").verdict == "ok"  # a few seconds are not worth a remedy


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0 s"), (0.02, "20 ms"), (3.19, "3.19 s"), (89.0, "89 s"), (100.0, "1.67 min"), (7200.0, "2 h"),
     (207_000.0, "2.4 days"), (1e8, "1,157 days")],
)  # fmt: skip
def test_a_time_is_written_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert duration(seconds, "en") == words


def test_a_value_has_the_digits_that_its_interval_is_worth() -> None:
    assert with_interval(-0.3543, -0.5097, -0.206) == "-0.354 (-0.510 … -0.206)"
    assert with_interval(1234.5, 1100.2, 1400.9) == "1,234 (1,100 … 1,401)"


def test_noise_that_swings_from_step_to_step_has_a_stopping_point() -> None:
    swing = np.where(np.arange(600) % 2, 1.0, -1.0)  # its memory is below -1
    loss = np.linspace(3, 2, 600) + 0.1 * swing + 0.05 * np.convolve(swing, [1, -1, 1], mode="same")
    assert verdict(run(loss, epoch=np.repeat(np.arange(1.0, 7.0), 100)), "stopping_point").verdict == "ok"


@pytest.mark.parametrize(("first", "expected"), [(math.log(40), "ok"), (12.0, "problem"), (0.3, "problem")])
def test_the_first_loss_against_guessing(first: float, expected: str) -> None:
    loss = first * np.exp(-np.arange(200) / 300)
    assert verdict(run(loss, facts={"vocabulary_size": 40}), "start_loss").verdict == expected


def test_stalls_and_pauses_are_told_apart() -> None:
    seconds = np.full(300, 1.0)
    seconds[[100, 200]] = 300.0
    epoch = np.repeat([1.0, 2.0, 3.0], 100)
    even = verdict(run(decay(300), epoch=epoch, time_seconds=np.cumsum(seconds)), "throughput")
    assert (even.verdict, even.evidence["pauses_between_epochs"], even.evidence["stall_count"]) == ("ok", 2, 0)
    seconds[50] = 300.0
    stalled = verdict(run(decay(300), epoch=epoch, time_seconds=np.cumsum(seconds)), "throughput")
    assert (stalled.verdict, stalled.evidence["stalls"][0]["step"]) == ("problem", 51)
    assert "5 min" in stalled.statement["en"]


def test_a_slow_epoch_of_a_short_run_is_a_fact_and_no_problem() -> None:
    seconds = np.repeat([0.05, 0.09, 0.05], 100)
    epoch = np.repeat([1.0, 2.0, 3.0], 100)
    short = verdict(run(decay(300), epoch=epoch, time_seconds=np.cumsum(seconds)), "throughput")
    assert (short.verdict, len(short.evidence["slow_epochs"])) == ("ok", 1)
    long = verdict(run(decay(300), epoch=epoch, time_seconds=np.cumsum(1000 * seconds)), "throughput")
    assert long.verdict == "problem"


def test_a_resume_with_a_jump_is_a_problem() -> None:
    loss = 1 + 0.01 * noise(400, 0.0, 0)
    table = run(loss)
    resumed = RunTable(**{**table.__dict__, "restarts": (Restart(200, 205, 201, "resume"),)})
    assert verdict(resumed, "restarts").verdict == "ok"
    loss[200:] += 0.5
    assert verdict(resumed, "restarts").verdict == "problem"


def test_measured_quality_shows_only_what_was_measured() -> None:
    evaluation = {"detectors": {"isang": {"precision": 0.9, "recall": 0.8, "f1": 0.847, "accuracy": 0.99}}}
    found = next(f for f in judge(run(decay(100)), evaluation=evaluation) if f.id == "measured_quality")
    assert found.verdict == "ok"
    assert found.evidence["evaluation"] == {"accuracy": 0.99, "precision": 0.9, "recall": 0.8, "f1": 0.847}
    alone = verdict(run(decay(100)), "measured_quality")
    assert alone.evidence["evaluation"] is None
    assert "best" not in alone.statement["en"]


def test_a_forecast_under_the_law_it_knows_is_right() -> None:
    steps = np.arange(1.0, 4001.0)
    loss = 1 + 20 * steps**-0.5 + 0.005 * noise(4000, 0.0, 0)
    said = predict(steps[:2000], loss[:2000], np.array([1.0, 4000.0]), np.ones(2), np.array([4000.0]))
    assert said.low[0] < 1 + 20 * 4000**-0.5 < said.high[0]
    assert said.loss[0] == pytest.approx(1 + 20 * 4000**-0.5, rel=0.02)


def test_forecasts_of_real_runs_from_their_first_half(shared_data: Path) -> None:
    errors, covered = [], []
    for path in sorted((shared_data / "runs" / "multipowerlaw_25m").glob("*.csv")):
        table = read_runs(path)[0]
        steps, loss = table.step.astype(np.float64), table.column("batch_loss")
        half = len(steps) // 2
        said = predict(steps[:half], loss[:half], steps, table.column("learning_rate"), steps[half:])
        errors += (np.abs(said.loss / loss[half:] - 1) * 100).tolist()
        covered += ((said.low <= loss[half:]) & (loss[half:] <= said.high)).tolist()
    assert np.median(errors) <= 0.5
    assert 0.85 <= np.mean(covered) <= 0.95


def test_a_past_that_its_first_half_did_not_foretell_widens_the_forecast() -> None:
    steps = np.arange(1.0, 2001.0)
    lawful = 1 + 20 * steps**-0.5 + 0.002 * noise(2000, 0.0, 0)
    turned = lawful - 3e-4 * np.maximum(steps - 1000, 0)
    rates, future = (np.array([1.0, 4000.0]), np.ones(2)), np.array([4000.0])
    narrow, wide = (predict(steps, losses, *rates, future) for losses in (lawful, turned))
    assert wide.high[0] - wide.loss[0] > 100 * (narrow.high[0] - narrow.loss[0])
    assert wide.high[0] < 10 * wide.loss[0]


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_reaches_what_half_of_the_past_foretold(seed: int) -> None:
    steps = np.arange(1.0, 601.0)
    wandering = np.cumsum(np.random.default_rng(seed).standard_normal(600)) / 200
    losses = (1 + 3 * steps**-0.5) * np.exp(wandering)
    rates = (np.array([1.0, 900.0]), np.ones(2))
    future = np.array([700.0, 900.0])
    earlier = predict(steps[:300], losses[:300], *rates, future).loss
    said = predict(steps, losses, *rates, future)
    assert np.all((said.low <= earlier) & (earlier <= said.high))


def test_a_forecast_knows_what_it_does_not_know() -> None:
    assert forecast(run(decay(10)))["verdict"] == "cannot_tell"
    assert forecast(run(-decay(200)))["verdict"] == "cannot_tell"
