"""Failures in the middle of a run, and how the run ends cleanly."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import numpy as np
import polars as pl

from isang.errors import Interrupted, IsangError
from isang.files import being_written
from isang.model.batches import Rows, Sessions
from isang.model.masking import Hidden
from isang.training.checkpoint import TrainingProgress
from isang.training.step import NotFinite

FAILED_BATCH = "failed_batch.parquet"
"""File in the run's folder: the batch whose loss or gradient was not finite."""


@dataclass
class StopRequest:
    """Whether a signal has asked the run to stop, and which one."""

    signal_number: int = 0

    def receive(self, number: int, _: FrameType | None) -> None:
        """Remember the first signal; a second one ends the program at once."""
        if self.signal_number:
            raise KeyboardInterrupt
        self.signal_number = number


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn SIGTERM and SIGINT into a request that the loop honours after the current step."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request  # only the main thread may handle signals
        return
    earlier = {number: signal.signal(number, request.receive) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield request
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def interrupted(signal_number: int, state: TrainingProgress, steps: int) -> Interrupted:
    """The error that ends a run after a signal, once its checkpoint is written."""
    name = signal.Signals(signal_number).name
    return Interrupted(
        f"training stopped by {name} after step {state.step:,} of {steps:,}; a checkpoint is kept: "
        "continue with --resume",
        signal_number,
    )


def not_finite(
    error: NotFinite, batch: Sessions, rows: Rows, templates: tuple[str, ...], step: int, folder: Path | None
) -> IsangError:
    """The error that ends a run at 1-based `step`. The batch goes to `folder`; None: another process writes it."""
    if folder is not None:
        write_batch(batch, error.hidden, rows, templates, folder / FAILED_BATCH)
    return IsangError(
        f"training stopped at step {step:,}: the loss is {error.loss} and the gradient norm {error.gradient_norm}; "
        f"earlier checkpoints stay, and the step's batch is in {(folder or Path()) / FAILED_BATCH}; try a learning "
        f"rate below {error.learning_rate:.3g} (--learning-rate)"
    )


def write_batch(batch: Sessions, hidden: Hidden, rows: Rows, templates: tuple[str, ...], path: Path) -> None:
    """Write a batch for inspection, one row per session: its index among the training sessions, its tokens, the tokens
    that the model saw, and the positions it was asked about."""
    seen = hidden.sessions
    asked = Sessions(hidden.chosen_T.astype(np.int32), seen.offsets)
    sessions = range(len(batch))
    columns = {
        "row": pl.Series(rows),
        "tokens": pl.Series([batch[index].tolist() for index in sessions], dtype=pl.List(pl.Int32)),
        "seen": pl.Series([seen[index].tolist() for index in sessions], dtype=pl.List(pl.Int32)),
        "asked": pl.Series([(asked[index] == 1).tolist() for index in sessions], dtype=pl.List(pl.Boolean)),
    }
    if templates:
        columns["templates"] = pl.Series([[templates[token] for token in batch[index]] for index in sessions])
    table = pl.DataFrame(columns)
    with being_written(path) as beside:
        table.write_parquet(beside)
