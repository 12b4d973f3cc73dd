"""One small model for all tests of detection, trained on synthetic sessions."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isang.artifact import Model
from isang.config import Config, ModelConfig, TrainingConfig
from isang.detection.assembly import calibrated
from isang.detection.detectors import DETECTORS, fit
from isang.detection.detectors.timed_sessions import timed_sessions
from isang.logs.store import Dataset
from isang.model.batches import to_sessions
from isang.training.data import Data
from isang.training.loop import train
from isang.training.split import split_by_time
from tests.synthetic import learn_vocabulary, shop_dataset


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """1,000 sessions; from the 501st on, each tenth carries a planted fault."""
    return shop_dataset(1_000, anomalous_every=10)


@pytest.fixture(scope="session")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Model:
    config = Config(
        model=ModelConfig(layers=1, width=32, heads=2, positions=64),
        training=TrainingConfig(min_steps=400, learning_rate=3e-3),
    )
    split = split_by_time(dataset, config.training)
    vocabulary = learn_vocabulary(dataset, split.train)
    training = to_sessions(dataset, vocabulary, split.train)
    validation = to_sessions(dataset, vocabulary, split.validation)
    run: Path = tmp_path_factory.mktemp("run")
    encoder, _ = train(Data(training, validation, vocabulary.size), config.model, config.training, run)
    period = np.concatenate([split.train, split.validation])
    model = Model(
        encoder=encoder,
        vocabulary=vocabulary,
        config=config,
        rules={},
        template_table=dataset.templates,
        fitted=fit(DETECTORS, timed_sessions(dataset, vocabulary, period)),
        calibration=pl.DataFrame(),
        facts={
            "dataset": "synthetic",
            "period_sessions": 500,
            "trained_from": str(dataset.sessions["start"][0]),
            "trained_until": str(split.until),
        },
    )
    return calibrated(model, dataset, split.train, split.validation)
