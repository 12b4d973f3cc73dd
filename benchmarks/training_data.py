"""The public logs as sessions, for the training benchmarks."""

from pathlib import Path

import numpy as np

from isang.config import LogsConfig
from isang.logs.prepare import prepare
from isang.model.batches import Sessions, to_sessions
from isang.model.vocabulary import vocabulary_of


def read_sessions(data: Path, name: str) -> tuple[Sessions, int]:
    """The sessions of a public log, and the size of their vocabulary."""
    logs = {"hdfs": "hdfs/HDFS_2pct.log.zst", "bgl": "bgl/BGL_100k.log.gz"}
    dataset = prepare([str(data / logs[name])], LogsConfig()).dataset
    vocabulary = vocabulary_of(dataset, np.unique(dataset.sessions["events"].explode().drop_nulls().to_numpy()))
    return to_sessions(dataset, vocabulary), vocabulary.size
