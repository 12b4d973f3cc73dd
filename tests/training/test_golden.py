"""The losses of one small run, kept: a change of the objective, the model or the optimizer cannot go unnoticed."""

import dataclasses
from pathlib import Path

import pytest

from isang.config import PRESETS, ModelConfig, TrainingConfig
from isang.training.loop import train
from tests.training.runs import data, losses

TINY = ModelConfig(**PRESETS["tiny"]["model"], dropout=0)
CONFIG = TrainingConfig(epochs=4, min_steps=0, batch_size=32, patience=0)
GOLDEN = [
    2.96820, 2.64594, 2.56563, 2.43248, 2.38313, 2.41027, 2.31931, 2.26281, 2.31299, 2.20818,
    2.36665, 2.19105, 2.11906, 2.17733, 2.14340, 2.17774, 2.22610, 2.18403, 2.12473, 2.06487,
]  # fmt: skip
TOLERANCE = 1e-3
"""Relative. Processors add float32 in other orders; after 20 steps that stays below this, and any real change above."""


def test_the_first_losses_of_the_tiny_preset_are_what_they_were(tmp_path: Path) -> None:
    """After a change that is meant to change them, put the list that this test prints in their place."""
    train(data(), TINY, CONFIG, tmp_path)
    found = [loss for _, loss in losses(tmp_path)]
    assert len(found) == 20
    assert found == pytest.approx(GOLDEN, rel=TOLERANCE), ", ".join(f"{loss:.5f}" for loss in found)


def test_the_golden_losses_tell_a_small_change_of_the_rate(tmp_path: Path) -> None:
    """A test that could not fail would be none: 10 % more learning rate is seen."""
    train(data(), TINY, dataclasses.replace(CONFIG, learning_rate=1.1e-3), tmp_path)
    assert [loss for _, loss in losses(tmp_path)] != pytest.approx(GOLDEN, rel=TOLERANCE)
