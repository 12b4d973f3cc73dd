"""What a detector takes from its period besides the weights."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isang import stages
from isang.config import Config, ModelConfig, TrainingConfig
from isang.detection import assembly
from isang.errors import InputError
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


def test_sequences_from_elsewhere_train_and_are_evaluated_and_raw_logs_need_rules(tmp_path: Path) -> None:
    dataset = shop_dataset(200)
    write_dataset(replace(dataset, meta={"schema": 1}), tmp_path / "data")
    config = Config(
        model=ModelConfig(layers=1, width=16, heads=2, positions=64),
        training=TrainingConfig(min_steps=2, epochs=1, train_fraction=0.5),
    )
    stages.train(tmp_path / "data", tmp_path / "run", config=config, with_report=False)
    assert stages.evaluate(tmp_path / "run", tmp_path / "data")["sessions"]["evaluated"] == 100
    (tmp_path / "shop.log").write_text("some line\n")
    with pytest.raises(InputError, match=r"no rules in its meta\.json"):
        stages.detect(tmp_path / "run", [tmp_path / "shop.log"])


def test_the_usual_silence_is_the_longest_gap_of_nearly_all_sessions(tmp_path: Path) -> None:
    write_dataset(shop_dataset(200), tmp_path / "data")
    dataset = open_dataset(tmp_path / "data")
    rows = np.arange(10, 60)
    longest = max(max(gaps) for gaps in dataset.load(rows).sessions["gaps_ms"].to_list())
    assert assembly.usual_silence_seconds(dataset, rows) == longest / 1000
    assert assembly.usual_silence_seconds(shop_dataset(50, clock=False), np.arange(50)) is None
