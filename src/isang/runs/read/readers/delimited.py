"""CSV and TSV of any tool: Lightning, Keras, Ultralytics, spreadsheets. The first row names the columns."""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from isang.errors import InputError
from isang.runs.read.columns import Column
from isang.runs.read.content import LineBlocks
from isang.runs.read.lines.long_form import LongForm, long_form
from isang.runs.read.readers.reader import POSSIBLE, Reader
from isang.runs.read.rows import COMMAS, MAX_SERIES, Account, LoggedRows, assumed, display_name, from_rows, tag_of
from isang.runs.read.series_names import role

name = "delimited"
INDEX = "@index"
"""What a column without a name is called, which is the number of the row and no series."""
SAMPLE = 200
"""Number of rows from which the decimal sign is inferred."""
_NAN = float("nan")
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?[\d,]*|\.\d+)([eE][-+]?\d+)?|[-+]?nan|[-+]?inf(inity)?", re.IGNORECASE)
_OBJECT = re.compile(r"(?:tensor|np\.float\d+|array)\(([-+.\w]+)(?:,[^()]*)?\)")
"""How a number of PyTorch, NumPy or JAX is written by a script that does not convert it."""
SETTINGS = b"#{"
"""How the line begins that Stable-Baselines3's monitor writes above the names of its columns."""
MONITOR = {"r": "episode_reward", "l": "episode_length", "t": "elapsed"}
"""The columns of that monitor: return, length and seconds since the start of each episode."""
SCORES = frozenset(("episodes", "mean", "median", "stdev"))
"""Columns of PFRL's and ChainerRL's evaluations, whose mean is that of the returns."""


def sure(head: bytes, path: Path) -> float:
    """A first row of names with at least two columns, followed by a row of as many cells, mostly numbers."""
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:4]
    lines = [line for line in lines if not line.startswith(SETTINGS)][:3]
    if len(lines) < 2 or b"\x00" in head or len(lines[0]) > 60_000:
        return 0.0
    delimiter = _delimiter(lines[0])
    names, cells = _cells(lines[0], delimiter), _cells(lines[1], delimiter)
    if len(names) < 2 or not 0.5 * len(names) <= len(cells) <= len(names) + 1:
        return 0.0
    known = set(names) == MONITOR.keys() or any(role(cell) for cell in names)
    if not known or any(_NUMBER.fullmatch(cell) for cell in names):
        return 0.0
    if _long(lines[0], lines[1:]) is not None:
        return POSSIBLE
    filled = [cell for cell in cells if cell]
    numeric = sum(bool(_NUMBER.fullmatch(cell.rstrip(" %"))) for cell in filled)
    return POSSIBLE if numeric >= 0.5 * len(filled) and numeric > 0 else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The runs in the table. Of columns with one name, the second becomes `NAME_2` and a note says so."""
    blocks, account = LineBlocks(path), Account(path.name, name)
    table: _DelimitedTable | None = None
    rest = iter(blocks)
    for lines in rest:
        for index, line in enumerate(lines):
            if not line.strip():
                account.ignore("blank")
            elif table is None and line.startswith(SETTINGS):
                account.ignore("settings of the run")
            elif table is None:
                below = lines[index + 1 : index + 1 + SAMPLE]
                if (long := _long(line, below)) is not None:
                    yield from _long_rows(line, long, blocks, chain([lines[index + 1 :]], rest), account)
                    return
                table = _table(line, below, account)
                account.ignore("names of the columns")
            elif not table.add(line):
                account.fail(line)
        if table is not None:
            table.close_block()
    account.size_bytes, account.lines = blocks.size_bytes, blocks.lines
    if table is None or not table.rows:
        raise InputError(f"{path} has a row of names and no row of numbers")
    _tell_tool(table.names, account)
    present = {n: np.array(rows, dtype=np.int64) for n, rows in zip(table.names, table.nan_rows, strict=True) if rows}
    columns = dict(zip(table.names, table.columns, strict=True))
    for unnamed in [column for column in columns if column.startswith(INDEX)]:
        del columns[unnamed]
        present.pop(unnamed, None)
    kept = {n: column for n, column in columns.items() if n in present or column.count()}
    mean = True if account.format in ("keras csv log", "ultralytics results") else None
    yield LoggedRows(account, kept, table.rows, present, loss_is_mean=mean, name=display_name(path))


def _long(heading: bytes, below: list[bytes]) -> LongForm | None:
    """How to read the rows below a row of names, where each holds one value of a series that it names."""
    delimiter = _delimiter(heading)
    return long_form(_cells(heading, delimiter), [_cells(line, delimiter) for line in below if line.strip()])


def _long_rows(
    heading: bytes, long: LongForm, blocks: LineBlocks, below: Iterable[list[bytes]], account: Account
) -> Iterator[LoggedRows]:
    """The runs of a table with one row per value, each with an account of its own lines."""
    account.format = "table of single values"
    account.ignore("names of the columns")
    delimiter = _delimiter(heading)
    for lines in below:
        for line in lines:
            if not line.strip():
                account.ignore("blank")
            elif not long.add(_cells(line, delimiter)):
                account.fail(line)
    account.size_bytes = blocks.size_bytes
    name = display_name(Path(account.path))
    others = sum(account.ignored.values()) + account.failed
    found = list(long.runs())
    for run, count, rows in found:
        own = account if run == found[0][0] else Account(account.path, account.format)
        own.lines = count + (others if own is account else 0)
        own.ignore("joined with others of their step", count - len(rows))
        yield from_rows(rows, own, name=run or name)


def _table(heading: bytes, below: list[bytes], account: Account) -> "_DelimitedTable":
    """The empty table below a header row; the index column and the decimal sign are inferred from the rows below."""
    delimiter = _delimiter(heading)
    names = [cell.strip() for cell in _cells(heading, delimiter)]
    if set(names) == MONITOR.keys():
        names = [MONITOR[name] for name in names]
    rows = [_cells(line, delimiter) for line in below if line.strip()]
    if rows and len(rows[0]) == len(names) + 1:  # R's write.table gives the row's number no name
        names = ["", *names]
    names = [INDEX if not column or re.fullmatch(r"Unnamed: \d+(_level_\d+)?", column) else column for column in names]
    cells = [cell.rstrip(" %") for row in rows for cell in row if "," in cell or "." in cell]
    decimal = delimiter != "," and any("," in cell for cell in cells)
    decimal &= all(re.fullmatch(r"[-+]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?([eE][-+]?\d+)?", cell) for cell in cells)
    if decimal:
        account.notes.append(COMMAS)
    if names == ["Wall time", "Step", "Value"]:
        account.format = "tensorboard csv"
        names[2] = tag_of(account.path) or "Value"
    if set(names) >= SCORES:
        account.format = "scores of evaluations"
        names[names.index("mean")] = "mean return"
    return _DelimitedTable(_unique(names, account), delimiter, decimal)


class _DelimitedTable:
    """The rows read so far; those of the current block as lists, the others as columns."""

    def __init__(self, names: list[str], delimiter: str, decimal_comma: bool) -> None:
        self.names, self.rows = names, 0
        self._decimal_comma = decimal_comma
        self.columns = [Column() for _ in names]
        self.nan_rows: list[list[int]] = [[] for _ in names]
        self._delimiter = delimiter
        self._block: list[list[float]] = []

    def add(self, line: bytes) -> bool:
        """Add one row; False where no cell is a number or there are more cells than names."""
        cells = _cells(line, self._delimiter)
        if len(cells) > len(self.names):
            return False
        if self._decimal_comma:
            cells = [cell.replace(".", "").replace(",", ".") if "," in cell else cell for cell in cells]
        cells = [cell[:-1].rstrip() if cell[-1:] == "%" else cell for cell in cells]
        values = [float(cell.replace(",", "")) if cell and _NUMBER.fullmatch(cell) else None for cell in cells]
        if all(value is None for value in values):
            return False
        for value, where in zip(values, self.nan_rows, strict=False):
            if value is not None and value != value:
                where.append(self.rows)
        self._block.append(
            [_NAN if value is None else value for value in values] + [_NAN] * (len(self.names) - len(cells))
        )
        self.rows += 1
        return True

    def close_block(self) -> None:
        """Put the rows of the block into the columns."""
        if self._block:
            for column, values in zip(self.columns, np.array(self._block).T, strict=True):
                column.append(values)
        self._block = []


def _unique(names: list[str], account: Account) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for column in names[:MAX_SERIES]:
        seen[column] = seen.get(column, 0) + 1
        if seen[column] > 1:
            later = f"{column}_{seen[column]}"
            account.notes.append(
                assumed(
                    f"two columns are named {column!r}; the later one is called {later}",
                    f"이름이 {column!r}인 열이 둘입니다. 뒤의 열은 {later} 이름으로 읽습니다",
                )
            )
            column = later
        result.append(column)
    return result


def _tell_tool(names: list[str], account: Account) -> None:
    plain = {column.strip() for column in names}
    if account.format in ("tensorboard csv", "scores of evaluations"):
        return
    if any(column.startswith("train/box_loss") for column in plain):
        account.format = "ultralytics results"
    elif {"step", "epoch"} <= plain:
        account.format = "lightning csv log"
    elif "epoch" in plain and "loss" in plain and "step" not in plain:
        account.format = "keras csv log"


def _delimiter(line: bytes) -> str:
    return max((",", "\t", ";", "|"), key=lambda mark: line.count(mark.encode()))


def _cells(line: bytes, delimiter: str) -> list[str]:
    text = line.decode("utf-8-sig", "replace")
    if "(" in text:
        text = _OBJECT.sub(r"\1", text)
    if '"' in text:
        try:
            return [cell.strip() for cell in next(csv.reader(io.StringIO(text), delimiter=delimiter))]
        except (csv.Error, StopIteration):
            return []
    return [cell.strip() for cell in text.split(delimiter)]


READER = Reader(name, sure, read)
