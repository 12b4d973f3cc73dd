"""Readers of run logs, one per format family. The first reader that recognises a file reads it."""

from pathlib import Path
from types import ModuleType

from isang.errors import InputError
from isang.runs.content import head_of
from isang.runs.readers import delimited, huggingface, jsonlines, tensorboard, text
from isang.runs.table import RunTable

READERS: tuple[ModuleType, ...] = (tensorboard, huggingface, jsonlines, delimited, text)
"""Each has `name`, `recognise(head, path) -> bool` and `read(path, *, loss) -> list[RunTable]`; special ones first."""

MOST_FILES = 1_000
"""A folder of more files than this is not taken for a folder of runs."""


def read_runs(path: Path, *, loss: str | None = None) -> list[RunTable]:
    """The runs in a file, or in the files of a folder. Raises InputError where there is none."""
    path = Path(path)
    if path.is_dir():
        return _read_folder(path, loss)
    if not path.exists():
        raise InputError(f"there is no file {path}; give the log of a training run")
    if not path.is_file():
        raise InputError(f"{path} is not a file; give the log of a training run")
    head = head_of(path)
    if not head.strip():
        raise InputError(f"{path} is empty; give the log of a training run")
    for reader in READERS:
        if reader.recognise(head, path):
            tables: list[RunTable] = reader.read(path, loss=loss)
            return tables
    raise InputError(f"{path} is no training log that isang can read: it is binary data of an unknown kind")


def _read_folder(folder: Path, loss: str | None) -> list[RunTable]:
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))[: MOST_FILES + 1]
    if not files:
        raise InputError(f"the folder {folder} is empty; give a log or a folder of logs")
    if len(files) > MOST_FILES:
        raise InputError(f"the folder {folder} holds more than {MOST_FILES:,} files; give the logs themselves")
    tables: list[RunTable] = []
    reasons: list[str] = []
    for file in files:
        try:
            tables += read_runs(file, loss=loss)
        except InputError as error:
            reasons.append(str(error))
    if not tables:
        raise InputError(f"the folder {folder} holds no training log; the first reason: {reasons[0]}")
    return tables
