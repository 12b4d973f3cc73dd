"""Consoles of trainers: what each kind of line means, and what follows from it."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from isang.runs.finding import Finding
from isang.runs.findings import judge
from isang.runs.read.folders import read_runs
from isang.runs.read.table import RunTable
from isang.runs.statistics.dead_stretch import dead_stretch
from isang.runs.statistics.learning_rate.rate_changes import sudden_changes


def read(folder: Path, lines: list[str]) -> RunTable:
    path = folder / "train.log"
    path.write_text("\n".join(lines) + "\n")
    (run,) = read_runs(path)
    return run


def findings(table: RunTable) -> dict[str, Finding]:
    return {finding.id: finding for finding in judge(table)}


def bar(done: int, total: int) -> str:
    return f" {100 * done // total:2d}%|##        | {done}/{total} [{done // 60:02d}:{done % 60:02d}<01:00,  1.02s/it]"


@pytest.mark.parametrize("again", [True, False], ids=["the bar is drawn again after each line", "only before it"])
def test_steps_stand_in_the_bar_between_the_lines(tmp_path: Path, again: bool) -> None:
    """The bar may lag behind before a line; that of an evaluation counts something else."""
    lines = [bar(0, 400)]
    for step in range(5, 401, 5):
        lines.append(bar(step - 2 if again else step, 400))
        lines.append(str({"loss": round(3 / step**0.5, 4), "learning_rate": 1e-4, "epoch": round(step / 100, 2)}))
        lines += [bar(step, 400)] if again else []
        if step % 100 == 0:
            lines += [bar(1, 12), bar(12, 12), str({"eval_loss": 2.0 - step / 1000, "epoch": step / 100})]
    run = read(tmp_path, lines)
    assert run.step.tolist() == list(range(5, 401, 5))
    assert run.points("validation_loss")[0].tolist() == [100, 200, 300, 400]
    assert run.facts["planned_steps"] == 400


def test_names_in_the_possessive_are_those_of_their_data_set(tmp_path: Path) -> None:
    """A last row that goes back is the best round, not a resume."""
    lines = [f"[{i}]\ttraining's auc: {0.9 + i / 4000}\tvalid_1's auc: {0.85 + i / 8000}" for i in range(10, 200, 10)]
    run = read(
        tmp_path, [*lines, "Early stopping, best iteration is:", "[143]\ttraining's auc: 0.936\tvalid_1's auc: 0.868"]
    )
    assert (run.loss_name, run.maximised, run.metric) == ("training's auc", True, "valid_1's auc")
    assert run.restarts == ()
    assert int(run.step[-1]) == 190


def test_a_loss_printed_as_minus_nan_is_no_gap(tmp_path: Path) -> None:
    numbers = [f"{900 / i:.6f}, {950 / i:.6f}" for i in range(1, 80)] + ["-nan, -nan"] * 20
    lines = [
        f" {i}: {pair} avg loss, 0.001000 rate, 3.100000 seconds, {64 * i} images, 1.0 hours left"
        for i, pair in enumerate(numbers, start=1)
    ]
    finite = findings(read(tmp_path, lines))["finite"]
    assert finite.verdict == "problem"
    assert finite.evidence["series"][0]["first_step"] == 80


def test_the_mean_of_an_epoch_stands_apart_from_those_of_its_intervals(tmp_path: Path) -> None:
    lines = []
    for epoch in (1, 2, 3):
        for update in range(10, 101, 10):
            step = 100 * (epoch - 1) + update
            told = f"loss={9 - step / 50:.3f}, num_updates={step}, lr=0.0005, gnorm=0.9"
            lines.append(f"2023-01-01 10:00:09 | INFO | train_inner | epoch {epoch:03d}: {update} / 100 {told}")
        mean = f"loss 8.5 | ppl 300 | num_updates {100 * epoch} | lr 0.0005 | gnorm 0.9"
        lines.append(f"2023-01-01 10:01:05 | INFO | train | epoch {epoch:03d} | {mean}")
    run = read(tmp_path, lines)
    assert int(np.isfinite(run.column(run.loss)).sum()) == 30
    assert float(np.nanmax(np.abs(run.column(run.loss) - (9 - run.step / 50)))) < 0.001


def test_stalls_are_counted_by_the_steps_that_a_line_stands_for(tmp_path: Path) -> None:
    """Lines every hundred steps, one minute each, and one pause of an hour."""
    clock, lines = 0, []
    for step in range(100, 6001, 100):
        clock += 3660 if step == 3000 else 60
        moment = datetime(2024, 1, 1) + timedelta(seconds=clock)
        lines.append(f"{moment} step={step} loss={5 / step:.6f}")
    speed = findings(read(tmp_path, lines))["throughput"]
    assert speed.evidence["stall_count"] == 1
    assert speed.evidence["stalled_seconds"] == pytest.approx(3600)
    assert speed.verdict == "problem"


def test_a_rate_of_zero_is_a_fault_where_nothing_is_learned(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, 200)
    flat = read(tmp_path, [f"step={i} loss={4 + e:.4f} lr=0.0" for i, e in enumerate(noise)])
    found = findings(flat)
    assert (found["schedule"].verdict, found["decreasing"].verdict) == ("problem", "problem")
    falling = read(tmp_path, [f"step={i} loss={4 - i / 100 + e:.4f} lr=0.0000" for i, e in enumerate(noise)])
    assert findings(falling)["schedule"].verdict == "cannot_tell"


def test_a_validation_loss_that_rises_each_time_is_no_noise(tmp_path: Path) -> None:
    """A walk that rises six times running is rare; a metric that gets better meanwhile is named."""
    losses = (0.40, 0.31, 0.29, 0.32, 0.35, 0.37, 0.40, 0.42, 0.43)
    lines = [
        f"step={i * 100} loss={0.5 / i:.4f}\nstep={i * 100} eval_loss={loss} eval_wer={40 - 2 * i}"
        for i, loss in enumerate(losses, start=1)
    ]
    found = findings(read(tmp_path, lines))["overfitting"]
    assert found.verdict == "problem"
    assert found.evidence["best_step"] == 300
    assert all("eval_wer" in said for said in found.statement.values())


def test_a_decay_set_once_per_epoch_has_no_sudden_changes() -> None:
    """Its last rates fall by large factors; a drop of a step schedule stays one."""
    per_epoch = np.repeat(1 + np.cos(np.pi * np.arange(40) / 40), 5)
    steps = np.arange(len(per_epoch))
    assert sudden_changes(steps, per_epoch).tolist() == []
    stepped = np.where(steps < 100, 0.1, np.where(steps < 150, 0.01, 0.001))
    assert sudden_changes(steps, stepped).tolist() == [100, 150]
    assert sudden_changes(steps, np.where(steps < 100, per_epoch, per_epoch / 10)).tolist() == [100]


def test_a_loss_that_is_zero_after_two_rows_is_dead() -> None:
    assert dead_stretch(np.array([2.31, 187.4] + [0.0] * 30)) is not None
    learned = np.round(2 * np.exp(-np.arange(60) / 5), 4)
    assert dead_stretch(learned) is None


def spacy_table(losses: list[float], scores: list[float]) -> list[str]:
    return [
        "E    #       LOSS TOK2VEC  LOSS NER  ENTS_F  SCORE ",
        "---  ------  ------------  --------  ------  ------",
    ] + [
        f"{i:>3}  {20 * i:>6}  {0:>12.2f}  {loss:>8.2f}  {100 * score:>6.2f}  {score:>6.2f}"
        for i, (loss, score) in enumerate(zip(losses, scores, strict=True))
    ]


def test_a_loss_of_zero_beside_a_score_that_was_learned_is_not_dead(tmp_path: Path) -> None:
    losses = [57.0, 575.5, 0.1] + [0.0] * 18
    assert findings(read(tmp_path, spacy_table(losses, [0.0] + [1.0] * 20)))["decreasing"].verdict == "ok"
    assert findings(read(tmp_path, spacy_table([0.0] * 21, [0.0] * 21)))["decreasing"].verdict == "problem"
    broken = spacy_table(losses, [0.0, 0.5, 0.6] + [0.1] * 18)
    assert findings(read(tmp_path, broken))["decreasing"].verdict == "problem"


def test_the_norm_of_the_weights_is_no_gradient_norm(tmp_path: Path) -> None:
    lines = [
        f"-- Epoch {i}\nNorm: {3 + i / 10:.2f}, NNZs: 20, Bias: 0.1, T: {100 * i}, Avg. loss: {1 / i:.6f}"
        for i in range(1, 31)
    ]
    run = read(tmp_path, lines)
    assert not run.has("gradient_norm")
    assert len(run.step) == 30


def test_a_training_loss_that_falls_beside_a_flat_validation_loss_needs_no_more_epochs(tmp_path: Path) -> None:
    """Boosted trees fit the training set for as long as they are let."""
    noise = np.random.default_rng(0).normal(0, 0.0005, 240)
    lines = [
        f"[{i}]\ttrain-logloss:{0.7 * np.exp(-i / 90):.5f}\teval-logloss:{0.4 + e:.5f}" for i, e in enumerate(noise)
    ]
    assert findings(read(tmp_path, lines))["convergence"].evidence["outcome"] == "falling alone"


def test_a_first_loss_is_left_out_only_where_the_next_ones_come_down(tmp_path: Path) -> None:
    """25 after 1.9 is a run that blew up; it may be as short as three rounds."""
    losses = [1.9, 25.7, 25.6]
    lines = [f"[{i}]\ttrain-logloss:{loss}\teval-logloss:{loss + 1}" for i, loss in enumerate(losses)]
    run = read(tmp_path, lines)
    assert run.column(run.loss).tolist() == losses
    assert findings(run)["divergence"].verdict == "problem"


def test_losses_and_validations_that_never_change_are_all_counted(tmp_path: Path) -> None:
    run = read(tmp_path, [f"[{i}]\ttrain-logloss:0.69315\teval-logloss:0.69511" for i in range(50)])
    assert len(run.points("validation_loss")[0]) == 50


def test_perplexities_of_the_held_out_set_are_its_loss(tmp_path: Path) -> None:
    lines = []
    for step in range(50, 2001, 50):
        lines.append(
            f"[2023-02-02 10:00:00,123 INFO] Step {step}/4000; acc: 41.2; ppl: 20.1; xent: {9 - step / 500:.2f};"
        )
        if step % 500 == 0:
            lines.append("[2023-02-02 10:00:05,000 INFO] Train perplexity: 20.5")
            lines.append(f"[2023-02-02 10:00:05,001 INFO] Validation perplexity: {np.exp(5 - step / 1000):.6f}")
    run = read(tmp_path, lines)
    assert (run.loss_name, run.facts["planned_steps"]) == ("xent", 4000)
    assert run.points("validation_loss")[1] == pytest.approx([4.5, 4.0, 3.5, 3.0], abs=1e-5)


def test_kaldi_says_an_objective_that_rises(tmp_path: Path) -> None:
    head = (
        "LOG (nnet3-train[5.5]:PrintStatsForThisPhase():nnet-training.cc:213) Average objective function for 'output'"
    )
    lines = [
        f"{head} for minibatches {100 * i}-{100 * i + 99} is {-4 / (i + 1):.5f} over 6400 frames." for i in range(40)
    ]
    run = read(tmp_path, lines)
    assert (run.loss_name, run.maximised, int(run.step[-1])) == ("objf", True, 3999)


@pytest.mark.parametrize("seed", range(3))
def test_a_reward_that_collapses_has_diverged(tmp_path: Path, seed: int) -> None:
    """The collapse itself is no noise; a reward that only wavers has not collapsed."""
    noise = np.random.default_rng(seed).normal(0, 0.05, 240)
    rise = 0.15 + 0.65 * (1 - np.exp(-np.arange(240) / 40))
    fallen = np.where(np.arange(240) < 140, rise, 0.75 * np.exp(-(np.arange(240) - 140) / 12)) + noise
    verdicts = []
    for rewards in (fallen, rise + noise):
        run = read(tmp_path, [f"step={i} loss=0.01 reward={value:.4f} kl=0.01" for i, value in enumerate(rewards)])
        verdicts.append(findings(run)["divergence"].verdict)
    assert verdicts == ["problem", "ok"]


def test_a_validation_loss_that_rises_on_and_then_stands_still_overfits(tmp_path: Path) -> None:
    losses = (4.02, 4.76, 5.60, 6.37, 6.77, 7.19, 7.44, 7.63, 7.76, 7.83, 7.88, 7.89, 7.894, 7.894)
    lines = [f"step={i} loss={3 / i:.4f} val_loss={loss}" for i, loss in enumerate(losses, start=1)]
    assert findings(read(tmp_path, lines))["overfitting"].verdict == "problem"


@pytest.mark.parametrize(("rate", "fault"), [(0.0, True), (0.1, True), (None, False)])
def test_a_reward_that_never_leaves_its_start_has_not_risen(tmp_path: Path, rate: float | None, fault: bool) -> None:
    """A rate of 0 leaves it where it was, one that is far too high throws it down for good."""
    walk = np.cumsum(np.random.default_rng(0).normal(0, 0.3, 60)) * 0.2
    rewards = {0.0: 22 + walk - 0.02 * np.arange(60), 0.1: 9.4 + 13 * np.exp(-np.arange(60) / 1.5)}.get(rate or 0.0)
    rewards = rewards if rate is not None else 22 + 3 * np.arange(60) + walk
    found = findings(read(tmp_path, [f"step={i} kl=0.01 reward={r:.2f} loss=1" for i, r in enumerate(rewards)]))
    assert (found["decreasing"].verdict == "problem") == fault


def test_one_row_per_epoch_is_no_progress_bar(tmp_path: Path) -> None:
    """A validation loss that does not change is measured anew in each epoch."""
    rows = "".join(f"{i},{0.7 + i % 3 / 1000},0.6931\n" for i in range(40))
    (tmp_path / "history.csv").write_text("epoch,train_loss,valid_loss\n" + rows)
    (run,) = read_runs(tmp_path / "history.csv")
    assert len(run.points("validation_loss")[0]) == 40


def test_a_smooth_curve_of_few_epochs_is_still_falling(tmp_path: Path) -> None:
    """Its residual around a line is all curvature, which is no noise; each loss lies below the one before."""
    rows = "".join(f"{i},{0.02 + 0.6 * np.exp(-i / 12):.6f}\n" for i in range(40))
    (tmp_path / "history.csv").write_text("epoch,loss\n" + rows)
    (run,) = read_runs(tmp_path / "history.csv")
    assert findings(run)["convergence"].evidence["outcome"] == "falling"


def boosted(rounds: int, *, learn: bool, rising: bool) -> list[str]:
    """A console that prints the best value so far beside that of the held-out set, every fifth round."""
    noise, lines = np.random.default_rng(4).normal(0, 0.001, rounds), []
    gained = 0.92 - 0.25 * np.exp(-np.arange(rounds) / 50)
    held_out = gained + noise if rising else 1 - gained + noise
    for number in range(0, rounds, 5):
        so_far = held_out[: number + 1]
        best = so_far.max() if rising else so_far.min()
        own = f"learn: {held_out[number] + 0.02:.7f}\t" if learn else ""
        lines.append(
            f"{number}:\t{own}test: {held_out[number]:.7f}\tbest: {best:.7f} ({int(np.argmax(so_far == best))})"
            f"\ttotal: {12 * number + 9}ms\tremaining: {(rounds - number) * 12}ms"
        )
    return lines


@pytest.mark.parametrize("learn", [True, False])
def test_the_best_so_far_tells_which_way_a_measure_improves(tmp_path: Path, learn: bool) -> None:
    rising = read(tmp_path, boosted(300, learn=learn, rising=True))
    assert rising.maximised
    assert findings(rising)["decreasing"].verdict == "ok"
    assert not [finding.id for finding in judge(rising) if finding.verdict == "problem"]
    falling = read(tmp_path, boosted(300, learn=learn, rising=False))
    assert not falling.maximised
    assert findings(falling)["decreasing"].verdict == "ok"


def test_a_best_that_is_neither_highest_nor_lowest_tells_nothing(tmp_path: Path) -> None:
    lines = [
        f"step {n} loss: {3 / (1 + n / 9):.4f} test: {0.5 + 0.01 * (n % 7):.3f} best: {0.52 + 0.01 * (n % 3):.3f}"
        for n in range(60)
    ]
    table = read(tmp_path, lines)
    assert not table.maximised
