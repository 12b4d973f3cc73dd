"""Runs that a tool keeps as one folder or file per data set.

Such as Keras' `train/` and `validation/`, CatBoost's `learn_error.tsv` and `test_error.tsv`.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from isang.errors import InputError
from isang.runs.read.columns import Column
from isang.runs.read.content import head_of
from isang.runs.read.readers import reader_of
from isang.runs.read.rows import Account, LoggedRows, assumed
from isang.runs.read.series_names import is_held_out, is_training, role
from isang.runs.read.table import Floats

TRAINING_SETS = frozenset(("train", "training", "learn"))
HELD_OUT_SETS = ("validation", "val", "valid", "eval", "evaluation", "dev", "test")
_WALKED = "_vs_iterations"
"""How Keras names what it logs by iterations among what it logs by epochs."""


def joined_sets(training: Path, files: list[Path]) -> tuple[LoggedRows | None, set[Path]]:
    """The rows of a training set's folder and of adjacent folders of held-out sets, by step, and their files.

    None if there is no held-out set, or the files do not share one format.
    """
    homes = {file.parent.name.lower(): file.parent for file in files}
    held_out = [homes[name] for name in HELD_OUT_SETS if name in homes]
    if not held_out:
        return None, set()
    parts: list[tuple[str, LoggedRows]] = []
    used: set[Path] = set()
    for home in (training, *held_out):
        for file in (file for file in files if file.parent == home):
            rows = _rows_of(file)
            if rows is not None:
                parts.append(("train" if home == training else home.name.lower(), rows))
                used.add(file)
    if len({split for split, _ in parts}) < 2:
        return None, set()
    return _merged(parts, training.parent, [home.name for home in (training, *held_out)]), used


_SET_IN_NAME = re.compile(
    rf"(?<![^\W_])({'|'.join((*sorted(TRAINING_SETS), *HELD_OUT_SETS))})(?![^\W_])", re.IGNORECASE
)


def paired_files(files: Sequence[Path]) -> Iterator[tuple[LoggedRows, list[Path]]]:
    """Runs of files whose names differ in the set alone and that log the same series, with the files."""
    alike: dict[tuple[Path, str], list[tuple[str, Path]]] = defaultdict(list)
    for file in files:
        named = _SET_IN_NAME.search(file.name)
        if named is not None:
            alike[file.parent, _SET_IN_NAME.sub("", file.name, count=1)].append((named[1].lower(), file))
    for of_sets in alike.values():
        sets = {"train" if name in TRAINING_SETS else name: file for name, file in of_sets}
        if "train" not in sets or len(sets) < 2 or len(sets) < len(of_sets):
            continue
        parts = [(name, rows) for name, file in sets.items() if (rows := _rows_of(file))]
        if len(parts) == len(sets) and len({frozenset(rows.columns) for _, rows in parts}) == 1:
            parts.sort(key=lambda part: ("train", *HELD_OUT_SETS).index(part[0]))
            yield _merged(parts, sets["train"].parent, [file.name for file in sets.values()]), list(sets.values())


def joined_parts(files: list[Path]) -> LoggedRows | None:
    """The concatenated rows of consecutive log files of a tool in one folder; None if one of them is not a log."""
    parts = [("", rows) for file in files if (rows := _rows_of(file)) is not None]
    return _merged(parts, files[0].parent, []) if len(parts) == len(files) else None


def _rows_of(file: Path) -> LoggedRows | None:
    head = head_of(file)
    reader = reader_of(head, file) if head.strip() else None
    if reader is None or reader.name == "text":
        return None
    try:
        return next(iter(reader.read(file)), None)
    except InputError:
        return None


def _merged(parts: list[tuple[str, LoggedRows]], folder: Path, homes: list[str]) -> LoggedRows:
    """All rows by step; the names of series include their set."""
    first = parts[0][1].account
    account = Account(folder.resolve().name, first.format, notes=list(first.notes))
    folders = ", ".join(homes)
    account.notes.append(
        assumed(f"{folders} are sets of one run", f"{folders}은(는) 한 실행의 데이터 세트입니다")
        if homes
        else assumed(f"{len(parts)} files are parts of one run", f"파일 {len(parts)}개는 한 실행의 부분입니다")
    )
    columns: dict[str, list[tuple[int, Floats]]] = {}
    nan_rows: dict[str, list[np.ndarray]] = {}
    at = 0
    by_epochs = bool(homes) and all(_counts_epochs(rows) for _, rows in parts)
    for split, rows in parts:
        account.size_bytes += rows.account.size_bytes
        account.lines += rows.account.lines
        account.failed += rows.account.failed
        for why, count in rows.account.ignored.items():
            account.ignore(why, count)
        for name in rows.columns:
            label = _label(name, split, by_epochs)
            if not (by_epochs and name.endswith(_WALKED)):
                columns.setdefault(label, []).append((at, rows.values(name)))
                nan_rows.setdefault(label, []).append(at + rows.nan_rows(name))
        at += rows.rows
    whole = {name: np.full(at, np.nan) for name in columns}
    for name, pieces in columns.items():
        for start, values in pieces:
            whole[name][start : start + len(values)] = values
    counter = next((name for name in whole if role(name) in ("step", "epoch")), None)
    order = np.arange(at) if counter is None or not homes else np.argsort(whole[counter], kind="stable")
    place = np.empty(at, dtype=np.int64)
    place[order] = np.arange(at)
    present = {name: np.sort(place[np.concatenate(where)]) for name, where in nan_rows.items()}
    kept = {name: Column(values[order]) for name, values in whole.items()}
    return LoggedRows(account, kept, at, {n: w for n, w in present.items() if len(w)}, name=folder.resolve().name)


def _counts_epochs(rows: LoggedRows) -> bool:
    """Whether the steps of the set are epochs, as Keras' are."""
    names = [name for name in rows.columns if role(name) not in ("step", "clock") and not name.endswith(_WALKED)]
    return bool(names) and all(name.startswith("epoch_") for name in names)


def _label(name: str, split: str, by_epochs: bool) -> str:
    what = role(name)
    if what == "step" and by_epochs:
        return "epoch"
    if not split or what in ("step", "epoch", "clock", "rate", "elapsed") or is_held_out(name) or is_training(name):
        return name
    return f"{split}/{name}"
