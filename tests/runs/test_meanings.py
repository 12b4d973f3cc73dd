"""What series mean: names by their words, parts and totals, directions, steps that are rounded or start anew."""

import json
from pathlib import Path

import numpy as np
import pytest

from isang.errors import InputError
from isang.runs.read import table as t
from isang.runs.read.choice import Asked
from isang.runs.read.folders import read_runs
from isang.runs.read.series_names import direction, is_opponent, is_reward, role
from isang.runs.read.table import RunTable

N = 40
FALL = np.round(2 * np.exp(-np.arange(N) / 10) + 0.5, 5)
RISE = np.round(1 - np.exp(-np.arange(N) / 10), 5)


def of_lines(folder: Path, lines: list[str], name: str = "a.log", **asked: str) -> RunTable:
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (table,) = read_runs(path, Asked(**asked))
    return table


def of_records(folder: Path, series: dict[str, np.ndarray], **asked: str) -> RunTable:
    rows = [json.dumps({"step": n + 1, **{k: float(v[n]) for k, v in series.items()}}) for n in range(N)]
    return of_lines(folder, rows, "a.jsonl", **asked)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("optim/learning_rate_group0", "rate"), ("x/lr0", "rate"), ("optim0_lr0", "rate"), ("learningRate", "rate"),
        ("input_info/learning_rate", "rate"), ("lr_scale", None), ("weight_decay", None),
        ("train/CrossEntropyLoss", "loss"), ("trainLoss", "loss"), ("MultiLogisticLoss", "loss"),
        ("valLoss", "validation"), ("Validation Loss", "validation"), ("val/box_loss", "validation"),
        ("current_steps", "step"), ("time/total_timesteps", "step"), ("steps_per_second", None), ("max_steps", None),
        ("loss_scale", None), ("auxiliary_loss_multiplier", None), ("best_val_loss", None), ("val_mAP", "metric"),
        ("epch", "epoch"), ("data_time", "data"), ("eval_runtime", "evaluation"), ("time_elapsed", "elapsed"),
    ],
)  # fmt: skip
def test_a_name_is_what_its_words_say(name: str, expected: str | None) -> None:
    assert role(name) == expected


@pytest.mark.parametrize("name", ["accuracy", "val_mAP", "mIoU", "F1", "BLEU", "ELBO", "auc", "log_likelihood",
                                  "metrics/mAP50-95(B)", "rollout/ep_rew_mean", "SCORE", "eval_rouge2"])  # fmt: skip
def test_what_is_maximised(name: str) -> None:
    assert direction(name) is True


@pytest.mark.parametrize("name", ["loss", "val_wer", "neg_log_likelihood", "rmse", "perplexity"])
def test_what_is_minimised(name: str) -> None:
    assert direction(name) is False


def test_a_reward_is_no_part_of_one() -> None:
    assert all(map(is_reward, ("reward", "rollout/ep_rew_mean", "episode_reward_mean", "AverageEpRet", "mean_reward")))
    assert not any(map(is_reward, ("reward_std", "rewards/chosen", "rewards/margins", "score", "loss")))


def test_opponents_are_told_from_losses() -> None:
    assert all(map(is_opponent, ("G_A", "loss_D", "d_loss", "Generator loss", "netD")))
    assert not any(map(is_opponent, ("loss", "dice_loss", "cycle_A", "grad_loss")))


def test_the_total_comes_before_its_parts(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"loss/entropy_loss": -RISE, "loss/value_loss": FALL / 2, "loss/loss": FALL})
    assert table.loss_name == "loss/loss"
    assert table.column(table.loss).tolist() == FALL.tolist()


def test_parts_without_a_total_are_summed(tmp_path: Path) -> None:
    series = {"train/box_loss": FALL, "train/cls_loss": FALL / 2, "val/box_loss": FALL * 2, "val/cls_loss": FALL}
    table = of_records(tmp_path, series)
    assert table.column(table.loss) == pytest.approx(1.5 * FALL)
    assert table.column(t.VALIDATION_LOSS) == pytest.approx(3 * FALL)
    assert {"train/box_loss", "val/cls_loss"} <= set(table.columns)


def test_different_losses_are_not_summed(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"train-rmse": FALL, "train-mae": FALL / 2})
    assert table.column(table.loss).tolist() in (FALL.tolist(), (FALL / 2).tolist())


def test_a_run_without_a_loss_is_judged_by_its_metric(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"train_accuracy": RISE, "val_accuracy": RISE / 2})
    assert (table.loss, table.loss_name, table.maximised) == (t.METRIC, "train_accuracy", True)
    assert (table.metric, table.metric_maximised) == ("val_accuracy", True)


def test_a_policy_is_judged_by_its_reward(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"loss": RISE / 100, "reward": RISE, "reward_std": FALL, "kl": RISE})
    assert (table.loss_name, table.maximised, table.objective) == ("reward", True, t.POLICY)
    assert table.column("loss").tolist() == (RISE / 100).tolist()


def test_preferences_are_judged_by_their_loss(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"loss": FALL, "rewards/chosen": RISE, "rewards/margins": RISE})
    assert (table.loss_name, table.maximised, table.objective) == ("loss", False, t.LOSS)


def test_opponents_say_nothing_about_progress(tmp_path: Path) -> None:
    assert of_records(tmp_path, {"loss_G": FALL, "loss_D": FALL}).objective == t.ADVERSARIAL
    assert of_records(tmp_path, {"loss_G": FALL, "loss_D": FALL, "loss_cycle": FALL}).loss_name == "loss_cycle"


def test_the_best_fitted_numbered_set_is_the_training_set(tmp_path: Path) -> None:
    held_out = FALL + 0.2
    lines = [f"[{n}]\tvalidation_0-logloss:{a:.5f}\tvalidation_1-logloss:{b:.5f}"
             for n, (a, b) in enumerate(zip(FALL, held_out, strict=True))]  # fmt: skip
    table = of_lines(tmp_path, lines)
    assert table.loss_name == "validation_0-logloss"
    assert table.column(t.VALIDATION_LOSS) == pytest.approx(held_out)


def test_a_training_perplexity_is_no_validation(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"loss": FALL, "perplexity": np.exp(FALL)})
    assert not table.has(t.VALIDATION_LOSS)


def test_the_user_can_say_what_series_are(tmp_path: Path) -> None:
    series = {"alpha": FALL, "beta": FALL + 1, "gamma": FALL / 1000, "delta": RISE, "at": 10.0 * np.arange(1, N + 1)}
    table = of_records(tmp_path, series, loss="alpha", validation="beta", rate="gamma", metric="delta:max", step="at")
    assert table.column(table.loss).tolist() == FALL.tolist()
    assert table.column(t.VALIDATION_LOSS).tolist() == (FALL + 1).tolist()
    assert table.column(t.LEARNING_RATE).tolist() == (FALL / 1000).tolist()
    assert (table.metric, table.metric_maximised) == ("delta", True)
    assert table.step.tolist() == list(range(10, 10 * N + 1, 10))
    assert of_records(tmp_path, series, metric="delta:min").maximised is False
    with pytest.raises(InputError, match="--metric delta:max or --metric delta:min"):
        of_records(tmp_path, series, metric="delta")
    with pytest.raises(InputError, match="name one with --rate NAME"):
        of_records(tmp_path, series, loss="alpha", rate="epsilon")


def test_the_likely_names_come_first_where_no_loss_is_found(tmp_path: Path) -> None:
    lines = ["config " + " ".join(f"setting_{n}={n}" for n in range(30))]
    lines += [f"step={n} criterion={value}" for n, value in enumerate(FALL)]
    with pytest.raises(InputError, match=r"the series found are (step \(40\), )?criterion \(40\)"):
        of_lines(tmp_path, lines)


def test_rounded_steps_are_counted_at_equal_distances(tmp_path: Path) -> None:
    def printed(step: int) -> str:
        return str(step) if step < 1000 else f"{step / 1000:.0f}K"

    lines = [
        f"step:{printed(200 * n)} smpl:{printed(6400 * n)} epch:{n / 2:.2f} loss:{FALL[n - 1]}" for n in range(1, N)
    ]
    table = of_lines(tmp_path, lines)
    assert table.step.tolist() == [200 * n for n in range(1, N)]


def test_steps_within_an_epoch_are_steps_of_the_run(tmp_path: Path) -> None:
    lines = [f"(epoch: {e}, iters: {i}, time: 0.2) rec_loss: {5 - e - i / 1000}" for e in (1, 2, 3) for i in (100, 200)]
    assert of_lines(tmp_path, lines).step.tolist() == [100, 200, 300, 400, 500, 600]


def test_every_device_prints_its_loss(tmp_path: Path) -> None:
    lines = [f"rank {r} step {n} loss {FALL[n] + r}" for n in range(N) for r in (0, 1)]
    table = of_lines(tmp_path, lines)
    assert table.column(table.loss) == pytest.approx(FALL + 0.5)
    assert any("another loss" in note.en for note in table.source.notes)


def test_epochs_that_count_from_zero_stay_so(tmp_path: Path) -> None:
    table = of_lines(tmp_path, ["epoch,loss,val_loss", *(f"{n},{v},{v + 1}" for n, v in enumerate(FALL))], "a.csv")
    assert (table.step.tolist(), table.first_epoch, table.counts_epochs) == (list(range(N)), 0, True)
    assert table.epoch.tolist() == list(range(N))


def test_a_rate_on_a_line_of_its_own_belongs_to_the_epoch_above(tmp_path: Path) -> None:
    lines = [line for n, v in enumerate(FALL) for line in (f"epoch:  {n}", f"train loss : {v}", f"lr: {v / 1000:.8f}")]
    table = of_lines(tmp_path, ["lr: 0.01", *lines])
    assert table.column(t.LEARNING_RATE) == pytest.approx(FALL / 1000)


def test_of_two_times_the_longer_is_that_of_the_step(tmp_path: Path) -> None:
    table = of_records(tmp_path, {"loss": FALL, "iter_time": 0 * FALL + 0.001, "train_time": 0 * FALL + 0.4})
    assert set(table.column(t.STEP_SECONDS).tolist()) == {0.4}
    table = of_records(tmp_path, {"loss": FALL, "time": 5.0 * np.arange(1, N + 1)})
    assert table.column(t.TIME)[-1] - table.column(t.TIME)[0] == pytest.approx(5.0 * (N - 1))


def test_a_first_sum_over_one_batch_is_no_loss(tmp_path: Path) -> None:
    rows = [f"{n // 4:3} {200 * n:7} {(44.3 if n == 0 else 2000 * v):13.2f} {r:6.2f}"
            for n, (v, r) in enumerate(zip(FALL, RISE, strict=True))]  # fmt: skip
    table = of_lines(tmp_path, ["E    #       LOSS NER       SCORE ", "---  ------  ------------  ------", *rows])
    assert np.isnan(table.column(table.loss)[0])
    assert table.metric == "SCORE"
