"""The rate range test."""

import json
from pathlib import Path

import pytest

from isang import stages, summaries
from isang.config import Config, TrainingConfig
from isang.errors import UsageError
from isang.logs.store import write_dataset
from isang.training.lr_range_test import HIGHEST, LOWEST, find_rate
from isang.training.processes.processes import Processes
from tests.synthetic import shop_dataset
from tests.training.runs import MODEL, data

CONFIG = TrainingConfig(epochs=3, min_steps=0, batch_size=32, patience=0)


def test_the_rate_test_suggests_a_rate_that_trains_and_stops_before_one_that_does_not() -> None:
    test = find_rate(data(), MODEL, CONFIG, Processes())
    assert test.rates[0] == LOWEST
    assert test.rates == sorted(test.rates)
    assert test.rates[-1] <= HIGHEST
    assert 1e-4 < test.suggestion < 1e-1
    assert find_rate(data(), MODEL, CONFIG, Processes()) == test, "the same seed, the same test"


def test_the_curve_is_kept_and_shown_and_nothing_is_trained(tmp_path: Path) -> None:
    write_dataset(shop_dataset(200), tmp_path / "data")
    out = tmp_path / "rates"
    test = stages.find_rate(tmp_path / "data", out, config=Config(model=MODEL, training=CONFIG))
    assert [path.name for path in out.iterdir()] == ["learning_rates.json"]
    kept = json.loads((out / "learning_rates.json").read_text())
    assert kept["rates"] == test.rates
    assert kept["suggestion"] == test.suggestion
    assert f"suggested: --learning-rate {test.suggestion:.1e}" in summaries.of_rates(test, out)
    with pytest.raises(UsageError, match="already holds results"):
        stages.find_rate(tmp_path / "data", out, config=Config(model=MODEL, training=CONFIG))
