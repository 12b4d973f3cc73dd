"""A dataset larger than one would like in memory: peak memory and the time to the first batch."""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset, open_dataset, write_dataset

TEMPLATES = 200
WRITTEN_AT_ONCE = 100_000
STEPS = 20


def memory(options: argparse.Namespace) -> None:
    """Draw `--sessions` different sessions, then open, split, tokenise and train on all of them for a few steps."""
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        folder = Path(scratch) / "data"
        write_dataset(drawn(options.sessions), folder)
        size = sum(file.stat().st_size for file in folder.iterdir())
        print(f"{options.sessions:,} drawn sessions of {SIZES}, {size / 1e6:,.0f} MB on disk\n")
        print("| after | seconds | of one core | peak memory so far | now in use, files aside |")
        print("| --- | ---: | ---: | ---: | ---: |", flush=True)
        subprocess.run([sys.executable, __file__, str(folder), scratch], check=True)


SIZES = "2 to 512 events, log-normal around 20"


def drawn(sessions: int) -> Dataset:
    """Sessions of random events, in the order of their starts; nothing here was recorded."""
    generator = np.random.default_rng(0)
    parts = []
    for first in range(0, sessions, WRITTEN_AT_ONCE):
        count = min(WRITTEN_AT_ONCE, sessions - first)
        sizes = np.clip(generator.lognormal(np.log(20), 0.5, count), 2, 512).astype(np.int64)
        total = int(sizes.sum())
        events = pl.DataFrame(
            {
                "session": np.repeat(np.arange(count), sizes),
                "events": generator.integers(0, TEMPLATES, total, dtype=np.int32),
                "gaps_ms": generator.integers(0, 1_000, total, dtype=np.int32),
            }
        )
        start = pl.Series(1_767_225_600_000_000 + 1_000_000 * np.arange(first, first + count)).cast(
            SESSIONS_SCHEMA["start"]
        )
        lists = events.group_by("session", maintain_order=True).agg("events", "gaps_ms")
        ids = pl.Series([f"blk_{number:019d}" for number in generator.permutation(count) + first])
        parts.append(
            lists.select(
                session_id=ids, source=pl.lit("drawn.log"), start=start, end=start, events="events", gaps_ms="gaps_ms",
                label=pl.lit(None, dtype=pl.Boolean), kind=pl.lit(None, dtype=pl.String),
            )
        )  # fmt: skip
    templates = pl.DataFrame(
        {"event": range(TEMPLATES), "template": [f"step {number}" for number in range(TEMPLATES)]}
    ).with_columns(level=pl.lit("INFO"), count=pl.lit(0))
    return Dataset(pl.concat(parts), templates.cast(dict(TEMPLATES_SCHEMA)), {"schema": 1, "rules": {}})


def in_a_process_of_its_own(folder: Path, beside: Path) -> None:
    """What `isang train` does up to its first steps, with a line of the table after each part."""
    started = time.perf_counter()

    def row(after: str) -> None:
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        peak, anonymous = (int(status[name].split()[0]) / 1024 for name in ("VmHWM", "RssAnon"))
        seconds = f"{time.perf_counter() - started:.1f} | {time.process_time():.1f}"
        print(f"| {after} | {seconds} | {peak:,.0f} MB | {anonymous:,.0f} MB |", flush=True)

    from isang.config import ModelConfig, TrainingConfig
    from isang.model.batches import epoch_batches, learn_sessions
    from isang.training.data import to_data
    from isang.training.processes.processes import Processes
    from isang.training.split import split_by_time
    from isang.training.step import new_learner, train_step

    row("loading torch")
    config = TrainingConfig(train_fraction=1.0)
    dataset = open_dataset(folder)
    row("opening and checking the dataset")
    split = split_by_time(dataset, config)
    rows = np.concatenate([split.train, split.validation])
    vocabulary, known = learn_sessions(dataset, rows, len(split.train), beside=beside)
    training, validation = known.halves(len(split.train))
    data = to_data(training, validation, vocabulary, ModelConfig().positions)
    row("learning the vocabulary, writing the tokens")
    batches = epoch_batches(data.training.lengths, config.batch_size, config.seed, 0)
    batch = data.training.take(batches[0])
    row(f"the first batch, of {len(batch)} sessions")
    learner = new_learner(ModelConfig(), vocabulary.size, config, Processes())
    for number in range(STEPS):
        train_step(learner, data.training.take(batches[number]), config.learning_rate, number)
    row(f"{STEPS} steps")
    for some in batches:
        data.training.take(some)
    row(f"taking all {len(batches):,} batches of an epoch")
    distinct, _ = training.distinct()
    row(f"gathering the {len(distinct):,} different sessions for the model folder")


if __name__ == "__main__":
    in_a_process_of_its_own(Path(sys.argv[1]), Path(sys.argv[2]))
