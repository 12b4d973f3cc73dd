"""A training run as NumPy columns, and the account of the file it was read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.languages import Both

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Epochs = NDArray[np.floating[Any]]
"""float32 from a reader, which holds whole numbers up to 16 million exactly."""

LARGEST = 1e100
"""A loss beyond this counts as infinite: reckoning with its square would fail."""

BATCH_LOSS = "batch_loss"
"""The loss of one step."""
RUNNING_MEAN = "running_mean"
"""The mean of the batch losses since the start of the epoch; it restarts each epoch."""
INTERVAL_LOSS = "interval_loss"
"""A mean (or median) over the steps since the row before; `RunTable.loss_window` says how many."""
VALIDATION_LOSS = "validation_loss"
METRIC = "metric"
"""The series by which a run is judged without a loss, or with one that does not show progress; see
`RunTable.maximised`."""
LEARNING_RATE = "learning_rate"
GRADIENT_NORM = "gradient_norm"
STEP_SECONDS = "step_seconds"
"""Seconds that one step took."""
DATA_SECONDS = "data_seconds"
"""Seconds of a step that went by waiting for data."""
EVALUATION_SECONDS = "evaluation_seconds"
"""Seconds that one evaluation took, in the row that it ended at."""
TIME = "time_seconds"
"""Seconds since the epoch (1970) if the log has dates, else since the first row."""


def usable(values: Floats) -> NDArray[np.bool_]:
    """Which values are numbers to reckon with: neither NaN nor infinite nor beyond LARGEST."""
    return (values <= LARGEST) & (values >= -LARGEST)


def blocks_of(epoch: Epochs) -> tuple[Epochs, Integers]:
    """The K stretches of one epoch in N rows: its number (K, NaN where unknown), and first rows (K + 1, N at last)."""
    known = ~np.isnan(epoch)
    changes = (epoch[1:] != epoch[:-1]) & (known[1:] | known[:-1])
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1]) if len(known) else np.zeros(0, dtype=np.int64)
    return epoch[starts], np.append(starts, len(known))


@dataclass(frozen=True)
class RunSource:
    """How the file was read. Every line is in `used`, `ignored` or `failed`: their sum is `lines`."""

    path: str
    """The name the user gave, for people; no absolute path is invented."""
    format: str
    """The reader's name, such as `huggingface trainer_state`."""
    size_bytes: int
    lines: int
    """Lines (carriage returns end one too), rows or records, whichever the format counts."""
    used: dict[str, int] = field(default_factory=dict)
    """What lines were used for, such as {"step": 1000, "epoch": 10}."""
    ignored: dict[str, int] = field(default_factory=dict)
    """Why lines were not needed, such as {"repeats a step": 1925, "prose": 40}."""
    failed: int = 0
    """Lines that looked like data and could not be read."""
    failed_examples: tuple[str, ...] = ()
    notes: tuple[Both, ...] = ()
    """What was assumed."""


@dataclass(frozen=True)
class EpochLine:
    """What the log itself stated about an epoch; NaN if nothing."""

    epoch: int
    step: int | None
    mean_loss: float
    validation_loss: float
    learning_rate: float
    seconds: float = float("nan")


@dataclass(frozen=True)
class Restart:
    """The step went back in the file."""

    row: int
    """The first row after it."""
    step_before: int
    step_after: int
    kind: str
    """`resume`, `restart` or `trial`."""


@dataclass(frozen=True)
class Metric:
    """A logged series of which it is known in which direction it improves."""

    name: str
    """The log's own name."""
    maximised: bool
    held_out: bool
    """Measured on data that the training does not see."""


LOSS, POLICY, ADVERSARIAL = "loss", "policy", "adversarial"
"""The kind of training loss: one that falls as the run improves, a policy objective, or that of two opponents. The last
two do not show progress."""


@dataclass(frozen=True)
class RunTable:
    """One training run: N rows in the order of training, each step once.

    `columns` maps a canonical name (the constants above) or the log's own name to N values, NaN where a row has none.
    Rows exist for every step at which anything was logged, so validation values are in the same table.
    """

    name: str
    source: RunSource
    step: Integers
    """Shape N, ascending. The numbers are the log's own (or the row numbers where it has none: see `source.notes`)."""
    epoch: Epochs
    """Shape N; the log's own number of the epoch that the row belongs to, NaN where unknown; see `first_epoch`."""
    columns: Mapping[str, Floats]
    loss: str
    """The column that training is judged by: `batch_loss`, `interval_loss` or `running_mean`; `validation_loss` where
    no training loss was logged; `metric` where no loss was, or where `objective` is not `loss`."""
    loss_window: float
    """Number of steps covered by one value of `loss`: 1 for a batch loss."""
    epoch_lines: tuple[EpochLine, ...] = ()
    restarts: tuple[Restart, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    """Facts stated in the log: `started`, `ended` (ISO 8601), `epochs`, `batches_per_epoch`, `planned_steps`,
    `batch_size`,
    `batch_size_per_device`, `devices`, `vocabulary_size`, `learning_rate`, `best_epoch` (whose weights were kept),
    `nats_by_frequency` (the loss of guessing by frequency alone), `normal_sessions` (counts of those
    learned from, and of rare failures among them), `stop_reason`, `stopped_early`, `completed`,
    `unfinished` (a log of ours without its last line); absent where unknown."""
    series: dict[str, int] = field(default_factory=dict)
    """All series that the file holds, by the log's own name, with their number of values."""

    loss_name: str = ""
    """The log's own name of the judged series; empty where it has none."""
    maximised: bool = False
    """The judged series is better the higher it is, as a reward or an accuracy."""
    metric: str | None = None
    """The column with a quality measured during training, held-out if there is one: `val_mAP`, `reward`."""
    metric_maximised: bool = True
    """Whether the metric is better the higher it is."""
    logged_nan: dict[str, Integers] = field(default_factory=dict)
    """By column (loss, validation loss, gradient norm): the rows at which the log itself has NaN. The column alone
    cannot
    distinguish them from missing values."""
    objective: str = LOSS
    """LOSS, POLICY or ADVERSARIAL: what the training loss is."""
    metrics: tuple[Metric, ...] = ()
    """All series with a known direction, whose columns have the log's own names; the most telling first."""
    first_epoch: int = 1
    """What the log calls its first epoch: 0 or 1."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Names and values of the settings, where the tool wrote them beside the log."""
    counts_epochs: bool = False
    """Whether the log has no steps: then one step is one epoch, and `step` holds the log's numbers of the epochs."""

    def column(self, name: str) -> Floats:
        """Shape N; all NaN where the log has no such series."""
        return self.columns[name] if name in self.columns else np.full(len(self.step), np.nan)

    def epoch_blocks(self) -> tuple[Epochs, Integers]:
        """The stretches of rows of one epoch, see `blocks_of`."""
        return blocks_of(self.epoch)

    def has(self, name: str) -> bool:
        """Whether the log has at least one finite value of this series."""
        return name in self.columns and bool(np.isfinite(self.columns[name]).any())

    def points(self, name: str) -> tuple[Integers, Floats]:
        """The steps and values of one series, rows without a value left out (infinities stay)."""
        values = self.column(name)
        present = ~np.isnan(values)
        return (self.step, values) if present.all() else (self.step[present], values[present])
