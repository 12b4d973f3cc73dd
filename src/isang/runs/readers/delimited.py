"""CSV and TSV of any tool: Lightning, Keras, Ultralytics, spreadsheets. The first row names the columns."""

import csv
import io
import re
from pathlib import Path

import numpy as np

from isang.errors import InputError
from isang.runs.assemble import assemble
from isang.runs.content import LineBlocks
from isang.runs.names import role
from isang.runs.records import MAX_SERIES, Account, Records, display_name
from isang.runs.table import RunTable

name = "delimited"
_NUMBER = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?nan|[-+]?inf(inity)?", re.IGNORECASE)


def recognise(head: bytes, path: Path) -> bool:
    """A first row of names with at least two columns, followed by a row of as many cells, mostly numbers."""
    lines = head.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:3]
    if len(lines) < 2 or b"\x00" in head or len(lines[0]) > 60_000:
        return False
    delimiter = _delimiter(lines[0])
    names, cells = _cells(lines[0], delimiter), _cells(lines[1], delimiter)
    if len(names) < 2 or not 0.5 * len(names) <= len(cells) <= len(names):
        return False
    if sum(bool(_NUMBER.fullmatch(cell)) for cell in names) > 0 or sum(1 for cell in names if role(cell)) == 0:
        return False
    filled = [cell for cell in cells if cell]
    numeric = sum(bool(_NUMBER.fullmatch(cell)) for cell in filled)
    return numeric >= 0.5 * len(filled) and numeric > 0


def read(path: Path, *, loss: str | None = None) -> list[RunTable]:
    """The runs in the table. Of columns with one name, the second becomes `NAME_2` and a note says so."""
    blocks, account = LineBlocks(path), Account(path.name, name)
    names: list[str] = []
    columns: list[list[float]] = []
    logged: list[list[int]] = []
    count, delimiter = 0, ","
    for lines in blocks:
        for line in lines:
            if not names:
                if line.strip():
                    delimiter = _delimiter(line)
                    names = _unique([cell.strip() for cell in _cells(line, delimiter)], account)
                    columns, logged = [[] for _ in names], [[] for _ in names]
                    account.ignore("names of the columns")
                else:
                    account.ignore("blank")
                continue
            if not line.strip():
                account.ignore("blank")
                continue
            cells = _cells(line, delimiter)
            if not _add(cells, columns, logged, count):
                account.fail(line)
                continue
            count += 1
    account.size_bytes, account.lines = blocks.size_bytes, blocks.lines
    _tell_tool(names, account)
    if not count:
        raise InputError(f"{path} has a row of names and no row of numbers")
    kept = {n: np.array(c) for n, c in zip(names, columns, strict=True)}
    present = {n: np.array(rows, dtype=np.int64) for n, rows in zip(names, logged, strict=True) if rows}
    kept = {n: values for n, values in kept.items() if n in present or not np.isnan(values).all()}
    mean = True if account.format in ("keras csv log", "ultralytics results") else None
    return assemble(Records(account, kept, count, present, loss_is_mean=mean, name=display_name(path)), loss=loss)


def _add(cells: list[str], columns: list[list[float]], logged: list[list[int]], row: int) -> bool:
    """Append one row; False where no cell is a number or there are more cells than names."""
    values: list[float] = []
    numbers = 0
    if len(cells) > len(columns):
        return False
    for index, cell in enumerate(cells):
        if cell and _NUMBER.fullmatch(cell):
            values.append(float(cell.replace(",", "")))
            numbers += 1
            if values[-1] != values[-1]:
                logged[index].append(row)
        else:
            values.append(float("nan"))
    if not numbers:
        return False
    values += [float("nan")] * (len(columns) - len(values))
    for column, value in zip(columns, values, strict=True):
        column.append(value)
    return True


def _unique(names: list[str], account: Account) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for column in names[:MAX_SERIES]:
        seen[column] = seen.get(column, 0) + 1
        if seen[column] > 1:
            account.notes.append(f"two columns are named {column!r}; the later one is called {column}_{seen[column]}")
            column = f"{column}_{seen[column]}"
        result.append(column)
    return result


def _tell_tool(names: list[str], account: Account) -> None:
    plain = {column.strip() for column in names}
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
    if '"' in text:
        try:
            return [cell.strip() for cell in next(csv.reader(io.StringIO(text), delimiter=delimiter))]
        except (csv.Error, StopIteration):
            return []
    return [cell.strip() for cell in text.split(delimiter)]
