"""Verdicts in the light of the rest of the run: its plan, its metric, its rate, its epochs, and of each other."""

import numpy as np
import pytest

from isang.runs.finding import RunContext
from isang.runs.findings import Finding, judge
from isang.runs.findings.progress.convergence import convergence
from isang.runs.findings.ranking import ORDER, first_things, ranked
from isang.runs.findings.schedule import schedule
from isang.runs.findings.stability import spikes
from isang.runs.findings.stopping import stopping_point
from isang.runs.read.table import METRIC, POLICY, Floats, Metric, RunTable
from isang.runs.statistics.learning_rate.rate_changes import sudden_changes
from isang.runs.statistics.staircase import staircase
from tests.runs.test_judging import IDS, decay, noise, run, verdict


def with_(table: RunTable, **fields: object) -> RunTable:
    return RunTable(**{**table.__dict__, **fields})


def converging(table: RunTable) -> Finding:
    return convergence(table, RunContext(table))


def short_and_flat(n: int, seed: int) -> Floats:
    return np.asarray(2 * np.exp(-np.arange(n) / (n / 10)) + 0.5 + 0.01 * noise(n, 0.0, seed))


def test_short_runs_that_are_flat_at_their_end_are_not_judged_by_their_descent() -> None:
    tables = [run(short_and_flat(n, seed)) for n in (40, 50, 60) for seed in range(12)]
    assert sum(converging(table).verdict == "problem" for table in tables) <= 2
    falling = [run(short_and_flat(n, 1) + np.linspace(2, 0, n)) for n in (40, 50, 60)]
    assert all(converging(table).evidence["outcome"] == "falling" for table in falling)


def test_the_judged_stretch_never_crosses_a_drop_of_the_rate() -> None:
    loss = np.concatenate([1 + 0.02 * noise(60, 0.0, 1), 0.1 + 0.02 * noise(30, 0.0, 2)])
    table = run(loss, learning_rate=np.where(np.arange(90) < 60, 0.01, 0.001))
    found = converging(table)
    assert found.verdict == "cannot_tell"
    assert found.evidence["first_step"] >= 61
    late = run(loss, learning_rate=np.where(np.arange(90) < 82, 0.01, 0.001))
    assert converging(late).evidence == {"losses": 8, "needed": 12, "first_step": 83}


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        (0.1 ** (np.arange(300) // 100), [100, 200]),
        (np.linspace(1, 0, 300), []),
        (np.cos(np.linspace(0, np.pi / 2, 300)), []),
        (0.9 ** (np.arange(300) // 10), []),
        (np.where(np.arange(300) % 100 == 0, 1.0, 1 - (np.arange(300) % 100) / 101), [100, 200]),
    ],
)
def test_sudden_changes_are_those_that_stand_out(rates: Floats, expected: list[int]) -> None:
    assert sudden_changes(np.arange(300), rates).tolist() == expected


def test_a_short_epoch_is_no_unit_of_convergence() -> None:
    loss = 0.4 * np.exp(-np.arange(2400) / 800) * (1 + 0.005 * noise(2400, 0.0, 1))
    found = converging(run(loss, epoch=np.arange(2400) // 6 + 1.0, facts={"batches_per_epoch": 6}))
    assert (found.verdict, found.evidence["unit"]) == ("problem", "tenth of the run")
    long = converging(run(loss, epoch=np.arange(2400) // 240 + 1.0, facts={"batches_per_epoch": 240}))
    assert long.evidence["unit"] == "epoch"


def test_a_run_short_of_its_plan_is_not_blamed_for_falling() -> None:
    loss = decay(200)[:120]
    found = {f.id: f for f in judge(run(loss, facts={"planned_steps": 6000}, learning_rate=np.full(120, 1e-3)))}
    assert found["convergence"].evidence["outcome"] == "unfinished"
    assert "at 2 % of its plan" in found["convergence"].statement["en"]
    assert found["restarts"].verdict == "cannot_tell"
    assert "120 of 6,000 steps (2 %)" in found["restarts"].statement["en"]
    whole = {f.id: f for f in judge(run(loss, facts={"planned_steps": 120}))}
    assert (whole["convergence"].verdict, whole["restarts"].verdict) == ("problem", "ok")


def test_a_schedule_that_goes_on_as_planned_was_not_cut_off() -> None:
    n = 300
    rates = 1e-3 * 0.5 * (1 + np.cos(np.pi * np.arange(n) / 400))
    table = run(decay(n), learning_rate=rates, facts={"planned_steps": 400, "epochs": 4, "batches_per_epoch": 100},
                epoch=np.arange(n) // 100 + 1.0)  # fmt: skip
    found = schedule(table, RunContext(table))
    assert found.verdict == "cannot_tell"
    assert "3 of 4 epochs (75 %)" in found.statement["en"]


def test_a_rate_that_begins_anew_is_a_resume_without_its_scheduler() -> None:
    loss = decay(400)
    loss[200:] += 0.3 * np.exp(-np.arange(200) / 60)
    rates = 5e-5 * (1 - np.concatenate([np.arange(200) / 1000, np.arange(200) / 1000]))
    found = {f.id: f for f in judge(run(loss, learning_rate=rates))}
    assert found["schedule"].verdict == "problem"
    assert found["schedule"].evidence["parameters"]["reset_step"] == 201
    assert "201" in found["restarts"].statement["en"]
    restarts = np.tile(5e-5 * 0.5 * (1 + np.cos(np.pi * np.arange(100) / 100)), 4)
    assert verdict(run(decay(400), learning_rate=restarts), "schedule").evidence["family"] == "cosine with restarts"


def test_a_polynomial_decay_is_told_from_a_line() -> None:
    rates = 0.01 * (1 - np.arange(180) / 1000) ** 0.9
    table = run(decay(180), learning_rate=np.array([float(f"{rate:.4g}") for rate in rates]))
    found = schedule(table, RunContext(table))
    assert (found.verdict, found.evidence["family"]) == ("problem", "polynomial")
    assert found.evidence["schedule_end"] == pytest.approx(1000, rel=0.01)


def measured(metric: Floats, held_out: Floats, *, maximised: bool = True) -> RunTable:
    n = len(metric)
    table = run(1 + np.exp(-np.arange(n) / n), val_mAP=metric, validation_loss=held_out)
    known = Metric("val_mAP", maximised, held_out=True)
    return with_(table, metric="val_mAP", metric_maximised=maximised, metrics=(known,), counts_epochs=True)


def test_the_stopping_point_is_judged_by_the_metric_where_there_is_one() -> None:
    x = np.arange(120)
    flat = 0.51 + np.exp(-x / 8) + 0.002 * noise(120, 0.0, 1)
    rising = measured(0.55 * (1 - np.exp(-x / 60)) + 0.002 * noise(120, 0.0, 2), flat)
    found = stopping_point(rising, RunContext(rising))
    assert (found.verdict, found.evidence["judged_by"]) == ("ok", "val_mAP")
    assert found.evidence["best"] == pytest.approx(0.47, abs=0.02)
    assert found.evidence["best_at"] > 100
    assert "epoch" in found.statement["en"]
    assert "The validation loss is lowest" in found.statement["en"]
    early = measured(0.5 * (1 - np.exp(-x / 5)) - 0.001 * np.maximum(x - 30, 0) + 0.002 * noise(120, 0.0, 3), flat)
    assert stopping_point(early, RunContext(early)).verdict == "problem"
    error = measured(1 - 0.55 * (1 - np.exp(-x / 60)), flat, maximised=False)
    assert stopping_point(error, RunContext(error)).evidence["best"] == pytest.approx(0.52, abs=0.02)


@pytest.mark.parametrize("seed", range(8))
def test_stopping_early_never_costs_or_saves_less_than_nothing(seed: int) -> None:
    x = np.arange(60)
    held_out = 1 + np.exp(-x / 6) + 0.02 * noise(60, 0.5, seed) + 0.004 * np.maximum(x - 30, 0)
    table = run(decay(60), validation_loss=held_out, time_seconds=30.0 * x)
    evidence = stopping_point(table, RunContext(table)).evidence
    assert evidence["loss_cost"] >= 0
    assert evidence["seconds_saved"] >= 0


@pytest.mark.parametrize("kind", ["overfit", "flat"])
def test_nobody_is_told_to_train_longer_and_to_stop_earlier(kind: str) -> None:
    x = np.arange(160)
    held_out = (
        0.6 + np.exp(-x / 8) + 0.003 * noise(160, 0.0, 1) + (0.01 * np.maximum(x - 40, 0) if kind == "overfit" else 0)
    )
    train = 0.1 + np.exp(-x / 60) + 0.003 * noise(160, 0.0, 2)
    found = judge(run(train, validation_loss=held_out))
    by_id = {finding.id: finding for finding in found}
    assert by_id["convergence"].evidence["outcome"] in ("falling while overfitting", "falling alone")
    assert by_id["convergence"].remedy is None
    assert "convergence" not in [finding.id for finding in first_things(found)]


def test_what_comes_first_is_what_breaks_the_run() -> None:
    assert set(ORDER) == set(IDS)
    loss = decay(400)
    loss[250:] = np.nan
    norm = np.where(np.arange(400) < 250, 1.0, np.nan)
    broken = judge(run(loss, gradient_norm=norm, learning_rate=np.linspace(1e-3, 5e-4, 400)))
    problems = ranked(broken)
    assert problems[0].id == "finite"
    assert first_things(broken)[0].id == "finite"
    assert "convergence" not in [finding.id for finding in first_things(broken)]


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_skewed_noise_has_no_spikes(shape: float) -> None:
    for seed in range(5):
        rng = np.random.default_rng([seed, int(10 * shape)])
        loss = 1 + 0.3 * (rng.gamma(shape, 1.0, 3000) - shape) / shape**0.5 + np.exp(-np.arange(3000) / 400)
        table = run(loss)
        assert spikes(table, RunContext(table)).verdict == "ok"
        loss[[500, 900, 1400, 2000, 2500]] += 30.0
        table = run(loss)
        assert spikes(table, RunContext(table)).evidence["count"] >= 5


def test_noise_that_is_next_to_nothing_is_no_instability() -> None:
    growing = 3 + noise(2000, 0.0, 1) * np.linspace(0.002, 0.012, 2000)
    assert verdict(run(growing), "stability").verdict == "ok"
    assert verdict(run(3 + 20 * (growing - 3)), "stability").verdict == "problem"


def steps_down(within: float, drop: float, seed: int = 0) -> list[Floats]:
    rng = np.random.default_rng(seed)
    line = np.linspace(0, -within, 150)
    return [np.asarray(1.2 - epoch * (drop + within) + line + rng.normal(0, 0.05, 150)) for epoch in range(3)]


def test_a_staircase_is_told_from_a_slope() -> None:
    found = staircase(steps_down(0.0, 0.25))
    assert found is not None
    assert found.drops == pytest.approx((0.25, 0.25), abs=0.04)
    assert staircase(steps_down(0.25, 0.0)) is None
    assert staircase(steps_down(0.0, 0.0)) is None
    assert sum(staircase(steps_down(0.1, 0.0, seed)) is not None for seed in range(40)) == 0


def test_a_staircase_with_a_validation_loss_that_rises_is_overfitting() -> None:
    loss = np.concatenate(steps_down(0.0, 0.25))
    validation = np.full(450, np.nan)
    validation[24::25] = np.repeat([1.02, 1.05, 1.16], 6) + 0.003 * noise(18, 0.0, 3)
    epoch = np.repeat([1.0, 2.0, 3.0], 150)
    found = verdict(run(loss, epoch=epoch, validation_loss=validation), "overfitting")
    assert found.verdict == "problem"
    assert "by heart" in found.statement["en"]
    alone = verdict(run(loss, epoch=epoch), "overfitting")
    assert alone.verdict == "cannot_tell"
    assert "validation loss" in alone.remedy["en"]


def reward_run(reward: Floats, **columns: Floats) -> RunTable:
    table = run(decay(len(reward)), metric=reward, **columns)
    return with_(table, loss=METRIC, loss_name="reward", maximised=True, objective=POLICY)


def test_a_reward_that_rises_is_no_fault_and_one_that_does_not_is() -> None:
    x = np.arange(400)
    good = {f.id: f for f in judge(reward_run(1.3 - 1.1 * np.exp(-x / 60) + 0.1 * noise(400, 0.2, 1)))}
    assert not [f.id for f in good.values() if f.verdict == "problem"]
    assert good["decreasing"].statement["en"].startswith("reward rises")
    assert "says nothing about progress" in good["decreasing"].statement["en"]
    flat = {f.id: f for f in judge(reward_run(0.5 + 0.001 * noise(400, 0.2, 2)))}
    assert flat["decreasing"].verdict == "problem"
    fallen = {f.id: f for f in judge(reward_run(np.where(x < 200, 1.0, 0.2) + 0.02 * noise(400, 0.0, 3)))}
    assert fallen["divergence"].verdict == "problem"
    assert "falls from" in fallen["divergence"].statement["en"]


def test_a_policy_without_entropy_or_variance_is_a_problem() -> None:
    reward = np.linspace(0, 1, 300) + 0.05 * noise(300, 0.0, 1)
    entropy = reward_run(reward, **{"train/entropy_loss": -1.4 * np.exp(-np.arange(300) / 20) - 0.001})
    found = verdict(entropy, "stability")
    assert (found.verdict, "entropy" in found.statement["en"]) == ("problem", True)
    even = verdict(reward_run(reward, frac_reward_zero_std=np.linspace(0.2, 0.98, 300)), "stability")
    assert (even.verdict, "same reward" in even.statement["en"]) == ("problem", True)
    healthy = reward_run(reward, entropy=np.linspace(1.4, 0.5, 300), kl=np.linspace(0, 0.1, 300))
    assert verdict(healthy, "stability").verdict == "not_applicable"


def test_waiting_for_data_and_evaluation_are_problems_where_they_take_much_time() -> None:
    n = 400
    slow = run(decay(n), step_seconds=np.full(n, 7.7), data_seconds=np.full(n, 7.0))
    found = verdict(slow, "throughput")
    assert found.verdict == "problem"
    assert "91 % of each step is waiting for data" in found.statement["en"]
    assert "loader workers" in found.remedy["en"]
    quick = run(decay(n), step_seconds=np.full(n, 7.7), data_seconds=np.full(n, 0.2))
    assert verdict(quick, "throughput").verdict == "ok"
    evaluation = np.where(np.arange(n) % 50 == 49, 200.0, np.nan)
    often = run(decay(n), time_seconds=8.0 * np.arange(n), evaluation_seconds=evaluation)
    found = verdict(often, "throughput")
    assert found.verdict == "problem"
    assert "Evaluation takes 50 % of the time" in found.statement["en"]
