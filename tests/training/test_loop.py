"""Laws of training."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from isang.config import ModelConfig, TrainingConfig
from isang.errors import InputError
from isang.model.batches import cut
from isang.training.data import Data
from isang.training.loop import train
from isang.training.plan import make_plan
from tests.training.runs import MODEL, data, losses, records

CONFIG = TrainingConfig(epochs=6, min_steps=0, batch_size=32, patience=0)


def test_the_loss_falls_well_below_a_guess(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=40, min_steps=0, batch_size=32, patience=0, learning_rate=3e-3)
    _, progress = train(data(), MODEL, config, tmp_path)
    assert progress.step == 40 * 5
    assert progress.best_validation_loss < 0.5 * np.log(data().vocabulary_size)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tmp_path: Path) -> None:
    runs = {}
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        train(data(), MODEL, TrainingConfig(epochs=2, min_steps=0, seed=seed), tmp_path / name)
        runs[name] = losses(tmp_path / name)
    assert runs["one"] == runs["same"]
    assert runs["one"] != runs["other"]


@pytest.mark.parametrize("cut_at", [1, 4, 5, 11])
def test_a_resumed_run_equals_an_unbroken_one_bit_for_bit(tmp_path: Path, cut_at: int) -> None:
    """The run is cut after `cut_at` steps, in the middle of an epoch of 5 batches or at its end."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    model, progress = train(data(), MODEL, CONFIG, whole)

    class Cut(Exception):
        pass

    every_step = dataclasses.replace(CONFIG, checkpoint_minutes=1e-9)
    rate = make_plan(160, 40, CONFIG).schedule

    def cut_off(step: int) -> float:
        if step == cut_at:
            raise Cut
        return rate(step)

    with pytest.raises(Cut):
        train(data(), MODEL, every_step, cut, schedule=cut_off)
    resumed, resumed_progress = train(data(), MODEL, CONFIG, cut, resume=True)

    assert losses(cut) == losses(whole)
    assert resumed_progress.best_validation_loss == progress.best_validation_loss
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


def test_a_checkpoint_of_other_data_or_settings_is_refused(tmp_path: Path) -> None:
    train(data(), MODEL, CONFIG, tmp_path)
    other = TrainingConfig(epochs=6, min_steps=0, batch_size=16, patience=0)
    with pytest.raises(InputError, match="other data or settings"):
        train(data(), MODEL, other, tmp_path, resume=True)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    train(data(), MODEL, CONFIG, tmp_path)
    newest = sorted((tmp_path / "checkpoints").iterdir())[-1]
    (newest / "optimizer.safetensors").write_bytes(b"damaged")
    with pytest.raises(InputError, match=newest.name):
        train(data(), MODEL, CONFIG, tmp_path, resume=True)


def test_sessions_longer_than_the_model_are_learned_from_in_pieces(tmp_path: Path) -> None:
    short = ModelConfig(layers=1, width=32, heads=2, positions=6)
    whole = data()
    pieces = Data(cut(whole.training, 6)[0], cut(whole.validation, 6)[0], whole.vocabulary_size)  # type: ignore[arg-type]
    assert pieces.training.lengths.max() <= 6
    assert len(pieces.training) > len(whole.training)
    _, progress = train(pieces, short, CONFIG, tmp_path)
    assert np.isfinite(progress.best_validation_loss)


def test_two_checkpoints_are_kept(tmp_path: Path) -> None:
    train(data(), MODEL, CONFIG, tmp_path)
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == ["step_000000025", "step_000000030"]


def test_patience_ends_a_run_that_no_longer_improves(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=1_000, min_steps=0, batch_size=32, patience=2, learning_rate=1e-9, warmup_fraction=0)
    _, progress = train(data(), MODEL, config, tmp_path)
    assert progress.step < make_plan(160, 40, config).steps
    log = next((tmp_path / "logs").glob("training_*.log")).read_text()
    assert re.search(r"stopped step=\d+/5000 reason=patience", log)


def test_a_limit_of_minutes_is_kept(tmp_path: Path) -> None:
    config = TrainingConfig(epochs=1_000, min_steps=0, batch_size=32, max_minutes=1e-6)
    _, progress = train(data(), MODEL, config, tmp_path)
    assert progress.step == 1
    assert np.isfinite(progress.best_validation_loss)


def test_the_journal_adds_up(tmp_path: Path) -> None:
    """Means are derived from the sums and counts; the running mean starts anew with each epoch."""
    train(data(), MODEL, CONFIG, tmp_path)
    steps = records(tmp_path, "step")
    assert [record["step"] for record in steps] == list(range(1, 31))
    loss_sum = events = 0.0
    for record in steps:
        if (record["step"] - 1) % 5 == 0:
            loss_sum = events = 0.0
        loss_sum, events = loss_sum + record["loss_sum"], events + record["events"]
        assert record["loss"] == pytest.approx(record["loss_sum"] / record["events"])
        assert record["running_mean"] == pytest.approx(loss_sum / events)
    ends = records(tmp_path, "epoch_end")
    assert [end["mean_loss"] for end in ends] == [record["running_mean"] for record in steps[4::5]]
