"""Runs that are killed, stopped, starved of memory or disk, or that blow up."""

import dataclasses
import multiprocessing
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from isang.config import TrainingConfig
from isang.errors import InputError, IsangError, OutputError
from isang.logs.store import write_dataset
from isang.model.batches import Rows
from isang.training.loop import train
from isang.training.plan import make_plan
from isang.training.processes.faults import FAILED_BATCH
from isang.training.processes.micro_batches import Budget, accumulate, parts
from tests.synthetic import shop_dataset
from tests.training.runs import MODEL, attempt, data, losses, records

CONFIG = TrainingConfig(epochs=60, min_steps=0, batch_size=32, patience=0)
EVERY_STEP = dataclasses.replace(CONFIG, checkpoint_minutes=1e-9)


def test_a_run_killed_at_20_random_moments_equals_an_unbroken_one_bit_for_bit(tmp_path: Path) -> None:
    """Checkpoints after every step, so that many of the kills fall into the writing of one."""
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    model, progress = train(data(), MODEL, CONFIG, whole)
    forks = multiprocessing.get_context("forkserver")  # it has torch imported once, and forks from there
    forks.set_forkserver_preload(["tests.training.runs"])
    moments = random.Random(0)
    kills = 0
    for _ in range(20):
        process = forks.Process(target=attempt, args=(killed, EVERY_STEP))
        before = size_of(killed / "metrics.jsonl")
        process.start()
        while process.is_alive() and size_of(killed / "metrics.jsonl") == before:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        process.join()
        kills += process.exitcode == -signal.SIGKILL
    assert kills >= 5, "the run was over too soon to be killed often"
    resumed, resumed_progress = train(data(), MODEL, CONFIG, killed, resume=True)

    assert sorted(set(losses(killed))) == losses(whole), "also what was done twice came out the same"
    assert resumed_progress.best_validation_loss == progress.best_validation_loss
    for name, weights in model.state_dict().items():
        assert torch.equal(weights, resumed.state_dict()[name]), name


def size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_sigterm_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path) -> None:
    write_dataset(shop_dataset(200), tmp_path / "data")
    command = [sys.executable, "-m", "isang", "train", str(tmp_path / "data"), "--out", str(tmp_path / "run")]
    with subprocess.Popen([*command, "--epochs", "1000"], stderr=subprocess.PIPE, text=True) as process:
        partial = tmp_path / "run.partial"
        while process.poll() is None and size_of(partial / "metrics.jsonl") < 10_000:
            time.sleep(0.01)
        process.terminate()
        _, said = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    stopped = re.search(r"stopped by SIGTERM after step (\d+) of 2,000; .*continue with --resume", said)
    assert stopped, said
    assert (partial / "checkpoints" / f"step_{int(stopped[1]):09d}").is_dir()
    assert len(records(partial, "step")) == int(stopped[1])


def test_a_signal_while_training_in_python_is_no_different(tmp_path: Path) -> None:
    def at_step_7(step: int) -> float:
        if step == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return 1e-3

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(IsangError, match=r"stopped by SIGINT after step 7 of 300") as error:
        train(data(), MODEL, CONFIG, tmp_path, schedule=at_step_7)
    assert error.value.exit_code == 130
    assert [path.name for path in sorted((tmp_path / "checkpoints").iterdir())] == ["step_000000005", "step_000000007"]
    assert signal.getsignal(signal.SIGINT) is before


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A full disk as the system reports one, for this process alone."""
    earlier = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, earlier[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, earlier)


def test_a_full_disk_does_not_destroy_the_last_checkpoint(tmp_path: Path) -> None:
    short = dataclasses.replace(CONFIG, epochs=4)
    train(data(), MODEL, short, tmp_path / "whole")

    def fills_up_at_step_12(step: int) -> float:
        if step == 12:
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
        return rate(step)

    rate = usual_rate(short)
    run = tmp_path / "run"
    with files_of_at_most(resource.RLIM_INFINITY), pytest.raises(OutputError, match=r"cannot write .*free some space"):
        train(data(), MODEL, short, run, schedule=fills_up_at_step_12)
    assert [path.name for path in sorted((run / "checkpoints").iterdir())] == ["step_000000005", "step_000000010"]
    train(data(), MODEL, short, run, resume=True)
    assert sorted(set(losses(run))) == losses(tmp_path / "whole")


def usual_rate(config: TrainingConfig) -> Callable[[int], float]:
    return make_plan(160, 40, config).schedule


def test_a_loss_that_is_no_number_keeps_the_batch_and_the_checkpoint_before(tmp_path: Path) -> None:
    blown_up = dataclasses.replace(CONFIG, clip_norm=1e9)
    with pytest.raises(IsangError, match=r"stopped at step \d+: the loss is .*--learning-rate") as error:
        train(data(), MODEL, blown_up, tmp_path, schedule=lambda step: 1e-3 if step < 8 else 1e9)
    step = int(re.findall(r"at step (\d+)", str(error.value))[0])
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step_000000005"]
    assert records(tmp_path, "step")[-1]["step"] == step
    assert str(tmp_path / FAILED_BATCH) in str(error.value)
    batch = pl.read_parquet(tmp_path / FAILED_BATCH)
    assert len(batch) == 32
    for row, tokens, seen, asked, templates in batch.iter_rows():
        assert tokens == data().training[row].tolist()
        assert [data().templates[token] for token in tokens] == templates
        assert len(seen) == len(asked)
        assert any(asked)


def memory_for(tokens: int, lengths: NDArray[np.int64], seen: list[list[int]]) -> Callable[[Rows], Tensor]:
    """A pass on a device that holds so many tokens; it adds up the rows."""

    def one_pass(rows: Rows) -> Tensor:
        if lengths[rows].sum() > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory")
        seen.append(rows.tolist())
        return torch.tensor(float(rows.sum()))

    return one_pass


def test_a_batch_that_does_not_fit_is_halved_until_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    lengths = np.array([3, 3, 4, 4, 5, 6, 7, 8])
    budget, seen = Budget(1_000), []
    total = accumulate(lengths, budget, memory_for(12, lengths, seen), seen.clear)
    assert total == sum(range(8))
    assert sorted(row for rows in seen for row in rows) == list(range(8)), "each session once in the end"
    assert budget.tokens <= 12
    assert "at most 9 tokens per pass; the batch stays the same" in capsys.readouterr().err
    seen.clear()
    accumulate(lengths, budget, memory_for(12, lengths, seen), lambda: None)
    assert sorted(row for rows in seen for row in rows) == list(range(8)), "the next batch needs no second attempt"


def test_a_session_that_alone_is_too_long_for_the_memory_is_named() -> None:
    lengths = np.array([3, 30])
    with pytest.raises(InputError, match="one session of 30 tokens"):
        accumulate(lengths, Budget(1_000), memory_for(12, lengths, []), lambda: None)


def test_parts_hold_every_session_once_and_no_more_tokens_than_allowed() -> None:
    lengths = np.random.default_rng(0).integers(2, 50, 200)
    found = list(parts(lengths, 60))
    assert np.concatenate(found).tolist() == list(range(200))
    assert all(lengths[rows].sum() <= 60 or len(rows) == 1 for rows in found)
    assert list(parts(np.zeros(0, dtype=np.int64), 60)) == []
