"""Small runs for the tests of training."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from isang.config import ModelConfig, TrainingConfig
from isang.model.batches import to_sessions
from isang.training.data import Data
from isang.training.loop import train
from tests.synthetic import learn_vocabulary, shop_dataset

MODEL = ModelConfig(layers=1, width=32, heads=2, positions=64)


def data() -> Data:
    """160 sessions to learn from and 40 to judge by."""
    dataset = shop_dataset(200)
    vocabulary = learn_vocabulary(dataset, np.arange(160))
    return Data(
        to_sessions(dataset, vocabulary, np.arange(160)),
        to_sessions(dataset, vocabulary, np.arange(160, 200)),
        vocabulary.size,
        tuple(vocabulary.name(token) for token in range(vocabulary.size)),
    )


def records(run: Path, kind: str) -> list[dict[str, Any]]:
    """The records of one kind in the order of the metrics file."""
    found = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [record for record in found if record["kind"] == kind]


def losses(run: Path) -> list[tuple[int, float]]:
    """Step and loss of every step in the order of the metrics file."""
    return [(record["step"], record["loss"]) for record in records(run, "step")]


def attempt(run: Path, config: TrainingConfig) -> None:
    """Take up the run in a process of its own, to be killed there."""
    train(data(), MODEL, config, run, resume=True)
