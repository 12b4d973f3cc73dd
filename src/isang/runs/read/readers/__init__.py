"""Readers of run logs, one per format family. The first reader that recognises a file reads it."""

from itertools import islice
from pathlib import Path
from types import ModuleType

from isang.errors import InputError
from isang.runs.read.assemble import NoLossError
from isang.runs.read.content import head_of
from isang.runs.read.readers import delimited, huggingface, jsonlines, sqlite, tensorboard, text, wandb
from isang.runs.read.readers.folders import SERIES_FOLDERS, read_series_folder, run_of
from isang.runs.read.table import RunTable

READERS: tuple[ModuleType, ...] = (tensorboard, wandb, sqlite, huggingface, jsonlines, delimited, text)
"""Each has `name`, `recognise(head, path) -> bool` and `read(path, *, loss) -> list[RunTable]`; special ones first."""

MOST_FILES = 1_000
"""A folder of more files than this is not taken for a folder of runs."""


def read_runs(path: Path, *, loss: str | None = None) -> list[RunTable]:
    """The runs in a file, or in the files of a folder. Raises InputError where there is none."""
    path = Path(path)
    if path.is_dir():
        tables, reasons = _read_folder(path, loss)
        if not tables:
            why = f"; the first reason: {reasons[0]}" if reasons else ""
            raise InputError(f"the folder {path} holds no training log{why}")
        return tables
    return _read_file(path, loss)


def series_of(path: Path) -> list[tuple[str, dict[str, int]]]:
    """Names of the runs in a file or folder, each with its series and their numbers of values; a run needs no loss.

    Raises InputError where no series is found at all.
    """
    path = Path(path)
    reasons: list[InputError] = []
    tables: list[RunTable] = []
    if path.is_dir():
        tables, reasons = _read_folder(path, None)
    else:
        try:
            tables = _read_file(path, None)
        except NoLossError as error:
            reasons = [error]
    found = [(table.name, table.series) for table in tables]
    found += [(error.name, error.series) for error in reasons if isinstance(error, NoLossError)]
    if not found:
        why = f"; the first reason: {reasons[0]}" if reasons else ""
        raise InputError(f"{path} holds no series of numbers{why}")
    return found


def _read_file(path: Path, loss: str | None) -> list[RunTable]:
    if not path.exists():
        raise InputError(f"there is no file {path}; give the log of a training run")
    if not path.is_file():
        raise InputError(f"{path} is not a file; give the log of a training run")
    head = head_of(path)
    if not head.strip():
        raise InputError(f"{path} is empty; give the log of a training run")
    for reader in READERS:
        if reader.recognise(head, path):
            return list(reader.read(path, loss=loss))
    raise InputError(f"{path} is no training log that isang can read: it is binary data of an unknown kind")


def _read_folder(folder: Path, loss: str | None) -> tuple[list[RunTable], list[InputError]]:
    """The runs in the files of a folder, and why the other files are none.

    Folders that are one run (one file per series, an offline run) are read as such, other files one by one.
    """
    found_files = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    files = sorted(islice(found_files, MOST_FILES * 100))
    if not files:
        raise InputError(f"the folder {folder} is empty; give a log or a folder of logs")
    tables: list[RunTable] = []
    reasons: list[InputError] = []
    for metrics in sorted({p.parent for p in files} | {parent for p in files for parent in p.parents}):
        if metrics.name not in SERIES_FOLDERS or not metrics.is_relative_to(folder):
            continue
        try:
            found = read_series_folder(metrics, loss=loss)
        except InputError as error:
            found, reasons = [], [*reasons, error]
        if found is not None:
            files = [file for file in files if not file.is_relative_to(run_of(metrics))]
            tables += found
    offline = [file.parent for file in files if file.suffix == ".wandb"]
    files = [f for f in files if f.suffix == ".wandb" or not any(f.is_relative_to(run) for run in offline)]
    if len(files) > MOST_FILES:
        raise InputError(f"the folder {folder} holds more than {MOST_FILES:,} files; give the logs themselves")
    for file in files:
        try:
            tables += _read_file(file, loss)
        except InputError as error:
            reasons.append(error)
    return tables, reasons
