"""Readers of run logs, one per format family."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from isang.errors import InputError
from isang.plugins import plugins
from isang.runs.read.assemble import assemble
from isang.runs.read.choice import Asked
from isang.runs.read.content import head_of
from isang.runs.read.readers import delimited, document, jsonlines, notebook, numbers, sqlite, tensorboard, text, wandb
from isang.runs.read.readers.reader import Reader
from isang.runs.read.table import RunTable

READERS: tuple[Reader, ...] = (
    delimited.READER,
    document.READER,
    jsonlines.READER,
    notebook.READER,
    numbers.READER,
    sqlite.READER,
    tensorboard.READER,
    text.READER,
    wandb.READER,
)
"""Their order does not matter: the surest one reads a file."""

GROUP = "isang.readers"


@cache
def registered() -> tuple[Reader, ...]:
    """READERS and those of other installed packages. Raises InputError where one does not keep the contract."""
    return (*READERS, *plugins(GROUP, Reader, taken=[reader.name for reader in READERS]))


LFS_POINTER = b"version https://git-lfs"


def reader_of(head: bytes, path: Path, readers: Sequence[Reader] | None = None) -> Reader | None:
    """The reader that is surest of the file, None where all are sure that it is not theirs."""
    sure = [
        (reader.certainty(head, path), reader.name, reader) for reader in (registered() if readers is None else readers)
    ]
    best = max(sure, key=lambda entry: entry[:2])
    return best[2] if best[0] > 0 else None


def read_file(path: Path, asked: Asked) -> list[RunTable]:
    """The runs in a file. Raises InputError if there is none, NoLossError if no run has a loss."""
    if not path.exists():
        raise InputError(f"there is no file {path}; give the log of a training run")
    if not path.is_file():
        raise InputError(f"{path} is not a file; give the log of a training run")
    head = head_of(path)
    if not head.strip():
        raise InputError(f"{path} is empty; give the log of a training run")
    if head.startswith(LFS_POINTER):
        raise InputError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` and try again")
    reader = reader_of(head, path)
    if reader is None:
        raise InputError(f"{path} is no training log that isang can read: it is binary data of an unknown kind")
    tables: list[RunTable] = []
    reasons: list[InputError] = []
    for rows in reader.read(path):
        try:
            tables += assemble(rows, asked)
        except InputError as error:  # of the runs in a database some may hold no loss
            reasons.append(error)
    if not tables:
        raise reasons[0] if reasons else InputError(f"{path} holds no run")
    return tables
