"""What a reader takes out of a file, before it is known what the series mean: rows in file order, named columns."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isang.languages import Both
from isang.runs.read.columns import Column
from isang.runs.read.series_names import is_held_out
from isang.runs.read.table import Floats, Integers
from isang.runs.text.korean_particles import with_particles

MAX_SERIES = 4_000
"""A file with more names than this is not a run log; further names are counted, not kept."""

COMMON_NAMES = frozenset(
    (
        "metrics.csv", "metrics.json", "metrics.jsonl", "trainer_state.json", "results.csv", "log.txt", "scalars.json",
        "scalars.jsonl", "progress.csv", "progress.json", "result.json", "monitor.csv", "trainer_log.jsonl",
    )
)  # fmt: skip
"""File names that a tool gives to every run."""

ROWS_AT_ONCE = 8_192
"""Rows that wait as mappings before they become columns."""

BAR, BAR_TOTAL = "@bar", "@bar_total"
"""Columns of what a progress bar on a line of its own shows as done, and as the whole."""
RECORD = "@record"
"""Column that says which kind of line of our own log a row is: 1 for the first of RECORD_WORDS, and so on."""
RECORD_WORDS = ("plan", "environment", "resumed", "stopped", "done")
RESUMED = 1 + RECORD_WORDS.index("resumed")


def assumed(english: str, korean: str) -> Both:
    """What a reader assumed; particles of the Korean such as 은(는) by what stands before them."""
    return Both(english, with_particles(korean))


COMMAS = assumed("the comma is the decimal sign of the numbers", "숫자의 쉼표는 소수점입니다")


@dataclass
class Account:
    """Where each line of the file went. The assembler completes `used` and `ignored`."""

    path: str
    format: str
    size_bytes: int = 0
    lines: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    failed: int = 0
    failed_examples: list[str] = field(default_factory=list)
    notes: list[Both] = field(default_factory=list)
    """What was assumed; readers add `assumed(english, korean)`."""

    def ignore(self, why: str, count: int = 1) -> None:
        """Count lines that were not needed."""
        if count:
            self.ignored[why] = self.ignored.get(why, 0) + count

    def fail(self, example: bytes | str) -> None:
        """Count a line that looked like data and could not be read."""
        self.failed += 1
        if len(self.failed_examples) < 3:
            text = example.decode("utf-8", "replace") if isinstance(example, bytes) else example
            self.failed_examples.append(text.strip()[:120])


@dataclass
class LoggedRows:
    """R rows in file order. A row is a line (or a record) that held at least one named number."""

    account: Account
    columns: dict[str, Column]
    """By the log's own name, R values each, NaN where a row has none."""
    rows: int
    present: dict[str, Integers] = field(default_factory=dict)
    """Rows at which a logged value was itself NaN, by name: they are values, not gaps."""
    facts: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)
    """`@batches`, `@step_total`, `@epoch_total`: the whole that lines like `3/10` name."""
    loss_is_mean: bool | None = None
    """Whether the format says that the training loss is a mean over the steps since the row before; None: unknown."""
    name: str = ""

    def __post_init__(self) -> None:
        for column in self.columns.values():
            column.extend_to(self.rows)

    def column(self, name: str) -> Column:
        """R values, all of them unknown if there is no such series."""
        if name in self.columns:
            return self.columns[name]
        empty = Column()
        empty.extend_to(self.rows)
        return empty

    def values(self, name: str) -> Floats:
        """Shape R, a new array."""
        return self.column(name).values()

    def nan_rows(self, name: str) -> Integers:
        """The rows at which the series was logged as NaN."""
        return self.present.get(name, np.zeros(0, dtype=np.int64))

    def logged(self, name: str) -> NDArray[np.bool_]:
        """Shape R: which rows have a value of this series, be it NaN."""
        result = self.column(name).known()
        result[self.nan_rows(name)] = True
        return result

    def count(self, name: str) -> int:
        """Rows with a value of this series, be it NaN."""
        return int(self.logged(name).sum())


class Rows:
    """Columns that grow by one mapping per row."""

    def __init__(self) -> None:
        self.count = 0
        self._columns: dict[str, Column] = {}
        self._waiting: list[dict[str, float]] = []
        self._nan_rows: dict[str, list[Integers]] = {}

    def add(self, row: dict[str, float]) -> None:
        """Add one row; a value may be NaN."""
        self._waiting.append(row)
        self.count += 1
        if len(self._waiting) == ROWS_AT_ONCE:
            self._flush()

    @property
    def names(self) -> set[str]:
        """The names of the series so far."""
        self._flush()
        return set(self._columns)

    def records(self, account: Account, **more: Any) -> LoggedRows:
        """All rows; `more` are further fields of the Records."""
        self._flush()
        present = {name: np.concatenate(where) for name, where in self._nan_rows.items()}
        return LoggedRows(account, self._columns, self.count, present, **more)

    def _flush(self) -> None:
        rows, self._waiting = self._waiting, []
        first = self.count - len(rows)
        for name in dict.fromkeys(name for row in rows for name in row):
            if name not in self._columns and len(self._columns) >= MAX_SERIES:
                continue
            values = np.array([row.get(name, np.nan) for row in rows])
            column = self._columns.setdefault(name, Column())
            column.extend_to(first)
            column.append(values)
            missing = [index for index in np.flatnonzero(np.isnan(values)).tolist() if name in rows[index]]
            if missing:
                self._nan_rows.setdefault(name, []).append(np.array(missing, dtype=np.int64) + first)


def from_rows(rows: Iterable[dict[str, float]], account: Account, **more: Any) -> LoggedRows:
    """Records from one mapping per row."""
    kept = Rows()
    for row in rows:
        kept.add(row)
    return kept.records(account, **more)


def tag_of(file_name: str) -> str:
    """The series that TensorBoard's download of one names in the file: `run-train-tag-epoch_loss.csv`; else empty."""
    said = re.fullmatch(r"run[-_](?P<run>.*?)-tag-(?P<tag>.+)\.(?:csv|json)", file_name)
    if said is None:
        return ""
    return said["tag"] if not is_held_out(said["run"]) or is_held_out(said["tag"]) else f"{said['run']}/{said['tag']}"


def display_name(path: Path) -> str:
    """What a run is called: the file's name, with its folder where many tools use the same file name."""
    if path.name.startswith("events.out.tfevents."):
        return path.resolve().parent.name
    return f"{path.parent.name}/{path.name}" if path.name in COMMON_NAMES and path.parent.name else path.name
