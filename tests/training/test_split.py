"""Training, validation and later sessions."""

import numpy as np
import polars as pl
import pytest

from isang.config import TrainingConfig
from isang.errors import InputError
from isang.logs.store import Dataset
from isang.training.split import split_by_time
from tests.synthetic import shop_dataset


def test_parts_follow_each_other_in_time_and_cover_all_normal_sessions() -> None:
    dataset = shop_dataset(200)
    split = split_by_time(dataset, TrainingConfig(train_fraction=0.5, validation_fraction=0.2))
    assert (len(split.train), len(split.validation), len(split.later)) == (80, 20, 100)
    assert np.concatenate([split.train, split.validation, split.later]).tolist() == list(range(200))
    assert split.until == dataset.sessions["start"][99]


def test_labelled_anomalies_are_never_trained_on_but_stay_in_the_later_part() -> None:
    dataset = shop_dataset(200, anomalous_every=5)
    early = dataset.sessions.with_columns(label=pl.Series([row % 7 == 0 for row in range(200)]))
    split = split_by_time(Dataset(early, dataset.templates, {}), TrainingConfig())
    labels = early["label"].to_numpy()
    assert not labels[np.concatenate([split.train, split.validation])].any()
    assert split.left_out == labels[:100].sum()
    assert split.later.tolist() == list(range(100, 200))


def test_sessions_that_start_together_stay_on_one_side() -> None:
    dataset = shop_dataset(100)
    starts = dataset.sessions["start"].to_list()
    starts[45:55] = [starts[45]] * 10
    together = dataset.sessions.with_columns(start=pl.Series(starts, dtype=pl.Datetime("us", "UTC")))
    split = split_by_time(Dataset(together, dataset.templates, {}), TrainingConfig())
    assert split.later[0] == 55


def test_data_without_a_clock_is_split_in_its_order() -> None:
    split = split_by_time(shop_dataset(100, clock=False), TrainingConfig())
    assert split.until is None
    assert split.later[0] == 50


@pytest.mark.parametrize(("dated", "last_dated"), [(70, 49), (30, 29)])
def test_sessions_without_a_time_come_last(dated: int, last_dated: int) -> None:
    dataset = shop_dataset(100)
    starts = dataset.sessions["start"].to_list()
    some = pl.Series(starts[:dated] + [None] * (100 - dated), dtype=pl.Datetime("us", "UTC"))
    split = split_by_time(Dataset(dataset.sessions.with_columns(start=some), dataset.templates, {}), TrainingConfig())
    assert (split.since, split.until) == (starts[0], starts[last_dated])
    assert split.later.tolist() == list(range(50, 100))


def test_too_few_sessions_are_refused_with_a_number() -> None:
    with pytest.raises(InputError, match="6 of 12 sessions, 0 of them labelled anomalous"):
        split_by_time(shop_dataset(12), TrainingConfig())
