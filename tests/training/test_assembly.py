"""What a detector takes from its period besides the weights."""

from pathlib import Path

import numpy as np
import pytest

from isang.config import TrainingConfig
from isang.detection import assembly
from isang.logs.store import open_dataset, write_dataset
from isang.training.split import split_by_time
from tests.synthetic import shop_dataset


def test_thresholds_come_from_the_latest_sessions_of_both_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_dataset(shop_dataset(200), tmp_path / "data")
    dataset = open_dataset(tmp_path / "data")
    split = split_by_time(dataset, TrainingConfig(train_fraction=1.0))
    assert (len(split.train), len(split.validation)) == (160, 40)

    def kept() -> tuple[list[str], list[str]]:
        period, training, held_out = assembly._to_calibrate_on(dataset, split)
        ids = period.sessions["session_id"]
        assert period.sessions["events"].list.len().min() > 0
        return ids.gather(training).to_list(), ids.gather(held_out).to_list()

    ids = dataset.sessions["session_id"].to_list()
    assert kept() == (ids[:160], ids[160:]), "few are all taken"
    monkeypatch.setattr(assembly, "MOST_CALIBRATION_SESSIONS", 50)
    assert kept() == (ids[120:160], ids[190:])


def test_the_usual_silence_is_the_longest_gap_of_nearly_all_sessions(tmp_path: Path) -> None:
    write_dataset(shop_dataset(200), tmp_path / "data")
    dataset = open_dataset(tmp_path / "data")
    rows = np.arange(10, 60)
    longest = max(max(gaps) for gaps in dataset.load(rows).sessions["gaps_ms"].to_list())
    assert assembly.usual_silence_seconds(dataset, rows) == longest / 1000
    assert assembly.usual_silence_seconds(shop_dataset(50, clock=False), np.arange(50)) is None
