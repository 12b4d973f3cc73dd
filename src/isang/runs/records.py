"""What a reader takes out of a file, before it is known what the series mean: rows in file order, named columns."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isang.runs.table import Floats, Integers

MAX_SERIES = 4_000
"""A file with more names than this is not a run log; further names are counted, not kept."""


RECORD = "@record"
"""Column that says which kind of line of our own log a row is: 1 for the first of RECORD_WORDS, and so on."""
RECORD_WORDS = ("plan", "environment", "resumed", "stopped", "done")
RESUMED = 1 + RECORD_WORDS.index("resumed")


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
    notes: list[str] = field(default_factory=list)

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
class Records:
    """R rows in file order. A row is a line (or a record) that held at least one named number."""

    account: Account
    columns: dict[str, Floats]
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

    def values(self, name: str) -> Floats:
        """Shape R."""
        return self.columns.get(name, np.full(self.rows, np.nan))


def from_rows(rows: list[dict[str, float]], account: Account, **more: Any) -> Records:
    """Records from one mapping per row."""
    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
        if len(names) > MAX_SERIES:
            break
    kept = list(names)[:MAX_SERIES]
    columns = {name: np.full(len(rows), np.nan) for name in kept}
    missing: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        for name, value in row.items():
            if name in columns:
                columns[name][index] = value
                if value != value:
                    missing.setdefault(name, []).append(index)
    present = {name: np.array(where, dtype=np.int64) for name, where in missing.items()}
    return Records(account, columns, len(rows), present, **more)


def display_name(path: Path) -> str:
    """What a run is called: the file's name, with its folder where many tools use the same file name."""
    common = {"metrics.csv", "metrics.json", "metrics.jsonl", "trainer_state.json", "results.csv", "log.txt"}
    return f"{path.parent.name}/{path.name}" if path.name in common and path.parent.name else path.name
