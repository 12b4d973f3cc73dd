"""Runs that other tools follow too."""

import importlib.util
from pathlib import Path

import pytest

from isang.config import TRACKERS, TrainingConfig
from isang.errors import UsageError
from isang.runs.read.folders import read_runs
from isang.training.journal.trackers import tracked
from isang.training.loop import train
from tests.training.runs import MODEL, data, losses

CONFIG = TrainingConfig(epochs=2, min_steps=0, batch_size=32, patience=0)


MISSING = [t for t in TRACKERS if not (importlib.util.find_spec("accelerate") and importlib.util.find_spec(t))]


@pytest.mark.parametrize("tool", MISSING)
def test_a_tool_that_is_not_installed_is_named(tool: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=rf"--track {tool} needs .*isang\[{tool}\]"), tracked(tool, tmp_path, {}):
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_gets_every_step(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="needs the extra isang[tensorboard]")
    pytest.importorskip("tensorboard", reason="needs the extra isang[tensorboard]")
    with tracked("tensorboard", tmp_path / "tracking", {"epochs": 2, "note": "a test"}) as listener:
        train(data(), MODEL, CONFIG, tmp_path / "run", listener=listener)
    events = sorted((tmp_path / "tracking" / "tensorboard").glob("events.*"))
    (table,) = read_runs(events[0])
    own = dict(losses(tmp_path / "run"))
    assert table.step.tolist() == list(own)
    assert table.columns["batch_loss"].tolist() == pytest.approx(list(own.values()))
