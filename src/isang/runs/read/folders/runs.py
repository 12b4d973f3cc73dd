"""The runs in a folder: which files belong together, which are copies, and what the runs are called."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from isang.errors import InputError
from isang.runs.read.assemble import NoLossError, assemble
from isang.runs.read.choice import Asked
from isang.runs.read.folders.numbered import numbered_records
from isang.runs.read.folders.series import SERIES_FOLDERS, read_series_folder, run_of
from isang.runs.read.folders.sets import TRAINING_SETS, joined_parts, joined_sets, paired_files
from isang.runs.read.folders.settings import settings_of
from isang.runs.read.readers import read_file
from isang.runs.read.rows import COMMON_NAMES, assumed
from isang.runs.read.table import RunTable

MOST_FILES = 1_000
"""A folder of more files than this is not taken for a folder of runs."""
MOST_NAMED = 5
FEWEST_LOSSES = 3
_TEXTS = frozenset((".md", ".rst", ".py", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".sh"))
EVENTS = "events.out.tfevents."
_BESIDE_RUNS = frozenset(
    (
        "debug.log", "debug-internal.log", "debug-core.log", "wandb-summary.json", "wandb-metadata.json",
        "requirements.txt", "conda-environment.yaml", "hparams.yaml", "config.yaml", "config.json", "tokenizer.json",
        "tokenizer_config.json", "package.json", "args.yaml",
    )
)  # fmt: skip
"""Files that tools write beside a run and that hold none: their own logs, summaries and settings."""
_INNER = frozenset(
    ("files", "logs", "log", "vis_data", "plots", "tensorboard", "tb", "tf_logs", "metrics", "history", "latest-run")
)
"""Folders within a run's folder, which do not name it."""
_USUAL_NAMES = frozenset(
    ("output.log", "train.log", "training.log", "log.csv", "training.csv", "history.csv", "stdout")
)
_CLOSE = 1e-3
"""Numbers of one run that two files print are as close as this."""

Found = tuple[Path, RunTable]
"""A run and the file, or the folder, that it was read from."""


def read_folder(folder: Path, asked: Asked) -> tuple[list[RunTable], list[InputError]]:
    """The runs in the files of a folder, and why the other files are none.

    Folders that are one run (one file per series, a folder per data set, an offline run) are read as such, other files
    one by one; a file that repeats what another says is left out.
    """
    files = sorted(islice((p for p in folder.rglob("*") if p.is_file() and not _hidden(p, folder)), MOST_FILES * 100))
    if not files:
        raise InputError(f"the folder {folder} is empty; give a log or a folder of logs")
    reasons: list[InputError] = []
    found, files = _series_folders(folder, files, asked, reasons)
    offline = [file.parent for file in files if file.suffix == ".wandb"]
    files = [f for f in files if f.suffix == ".wandb" or not any(f.is_relative_to(run) for run in offline)]
    files = [file for file in files if file.name not in _BESIDE_RUNS]
    if len(files) > MOST_FILES:
        raise InputError(f"the folder {folder} holds more than {MOST_FILES:,} files; give the logs themselves")
    sets, files = _sets(folder, files, asked, reasons)
    found += sets
    parts, files = _parts(files, asked, reasons)
    found += parts
    for documents, rows in numbered_records(files):
        try:
            found += [(documents[0].parent, table) for table in assemble(rows, asked)]
            files = [file for file in files if file not in documents]
        except InputError as error:
            reasons.append(error)
    unread: list[Path] = []
    for file in files:
        try:
            found += [(file, table) for table in read_file(file, asked)]
        except InputError as error:
            reasons.append(error)
            if isinstance(error, NoLossError):
                unread.append(file)
    found, remarks = _without_remarks(found)
    unread += remarks
    found = _without_copies(folder, found)
    return _annotated(_named(folder, found), folder, unread), reasons


def _hidden(path: Path, folder: Path) -> bool:
    ours = path.name.startswith(EVENTS) and path.name.endswith(".isang")  # our own verdicts, written back
    return ours or path.name.startswith(".") or (path.is_symlink() and path.resolve().is_relative_to(folder.resolve()))


def _series_folders(
    folder: Path, files: list[Path], asked: Asked, reasons: list[InputError]
) -> tuple[list[Found], list[Path]]:
    """Runs with one file per series, and the files that do not belong to them."""
    found: list[Found] = []
    for metrics in sorted({p.parent for p in files} | {parent for p in files for parent in p.parents}):
        if metrics.name not in SERIES_FOLDERS or not metrics.is_relative_to(folder):
            continue
        try:
            rows = read_series_folder(metrics)
            tables = None if rows is None else assemble(rows, asked)
        except InputError as error:
            tables, reasons[:] = [], [*reasons, error]
        if tables is not None:
            files = [file for file in files if not file.is_relative_to(run_of(metrics))]
            found += [(run_of(metrics), table) for table in tables]
    return found, files


def _sets(folder: Path, files: list[Path], asked: Asked, reasons: list[InputError]) -> tuple[list[Found], list[Path]]:
    """Runs with one folder or file per data set (`train/`, `validation/`), and the files that do not belong to them."""
    found: list[Found] = []
    for training in sorted({file.parent for file in files if file.parent.name.lower() in TRAINING_SETS}):
        if not training.parent.is_relative_to(folder):
            continue
        inside = [file for file in files if file.parent.parent == training.parent]
        try:
            rows, used = joined_sets(training, inside)
            if rows is None:
                continue
            found += [(training.parent, table) for table in assemble(rows, asked)]
        except InputError as error:
            reasons.append(error)
            continue
        files = [file for file in files if file not in used]
    for rows, pair in paired_files(files):
        try:
            found += [(pair[0].parent, table) for table in assemble(rows, asked)]
        except InputError as error:
            reasons.append(error)
            continue
        files = [file for file in files if file not in pair]
    return found, files


def _without_remarks(found: list[Found]) -> tuple[list[Found], list[Path]]:
    """The runs, and the texts about them with a number or two that may be a loss, where other files hold whole runs."""
    if not any(len(_losses(table)) >= FEWEST_LOSSES for _, table in found):
        return found, []
    remarks = [path for path, run in found if path.suffix.lower() in _TEXTS and len(_losses(run)) < FEWEST_LOSSES]
    return [entry for entry in found if entry[0] not in remarks], remarks


def _parts(files: list[Path], asked: Asked, reasons: list[InputError]) -> tuple[list[Found], list[Path]]:
    """Runs whose event files are in one folder, as TensorBoard reads them, and the other files."""
    found: list[Found] = []
    homes: dict[Path, list[Path]] = {}
    for file in files:
        if file.name.startswith(EVENTS):
            homes.setdefault(file.parent, []).append(file)
    for home, events in homes.items():
        rows = joined_parts(events) if len(events) > 1 else None
        if rows is None:
            continue
        try:
            found += [(home, table) for table in assemble(rows, asked)]
        except InputError as error:
            reasons.append(error)
        files = [file for file in files if file not in events]
    return found, files


def _without_copies(folder: Path, found: list[Found]) -> list[Found]:
    """The runs without those that another one repeats and continues, such as copies in folders of earlier
    checkpoints."""
    ordered = sorted(
        found, key=lambda e: (-len(_losses(e[1])), -len(e[1].series), e[1].source.format.startswith("text"))
    )
    kept: list[Found] = []
    for path, table in ordered:
        whole = next((k for k, (other, run) in enumerate(kept) if _repeats(folder, path, table, other, run)), None)
        if whole is None:
            kept.append((path, table))
        else:
            other, run = kept[whole]
            name = path.relative_to(folder).as_posix()
            said = assumed(
                f"{name} repeats values of this run and was left out",
                f"{name}은(는) 이 실행의 값을 반복하므로 제외했습니다",
            )
            kept[whole] = (other, replace(run, source=replace(run.source, notes=(*run.source.notes, said))))
    places = [path for path, _ in found]
    return sorted(kept, key=lambda entry: places.index(entry[0]))


def _losses(table: RunTable) -> np.ndarray:
    values = table.column(table.loss)
    return values[~np.isnan(values)]


def _repeats(folder: Path, path: Path, table: RunTable, other: Path, run: RunTable) -> bool:
    """Whether the losses of `table` are the first values of a series of `run`, a neighbour's."""
    if path == other:
        return False
    losses = _losses(table)
    if len(np.unique(losses)) < 3:
        return False
    home, there = path.parent if path.is_file() else path, other.parent if other.is_file() else other
    same_kind = home == there and table.source.format == run.source.format
    if same_kind and not _says_nothing(path.name) and not _says_nothing(other.name):
        return False  # two runs that are equal are two runs
    near = home.is_relative_to(there) or there.is_relative_to(home)
    if not near and home.parent != there.parent:
        return False
    for name in run.columns:
        values = run.column(name)
        values = values[~np.isnan(values)]
        longer = len(values) > len(losses) or (near and len(values) == len(losses))
        if longer and np.allclose(values[: len(losses)], losses, rtol=_CLOSE, atol=0.0):
            return True
    return False


def _named(folder: Path, found: list[Found]) -> list[Found]:
    """Each run with the name of its file, or of its folder if the file's name is not informative."""
    places = [_place(folder, path) for path, _ in found]
    named = []
    for (path, table), place in zip(found, places, strict=True):
        if path.is_dir() or path.suffix == ".wandb":
            name = table.name if path.suffix == ".wandb" or table.name != path.name else place
        else:
            name = (
                place if _says_nothing(path.name) and places.count(place) == 1 else path.relative_to(folder).as_posix()
            )
            if ", run " in table.name:
                name += table.name[table.name.rindex(", run ") :]
        named.append((path, replace(table, name=name)))
    return named


def _says_nothing(name: str) -> bool:
    """Whether a tool gives every run's file this name."""
    return name in COMMON_NAMES | _USUAL_NAMES or name.startswith(EVENTS)


def _place(folder: Path, path: Path) -> str:
    home = path.parent if path.is_file() else path
    parts = [part for part in home.relative_to(folder).parts if part.lower() not in _INNER]
    return "/".join(parts) or folder.resolve().name


def _annotated(found: list[Found], folder: Path, unread: list[Path]) -> list[RunTable]:
    """The runs; the first one's notes name the files without a loss."""
    tables = with_settings(found, folder)
    if tables and unread:
        shown = ", ".join(path.relative_to(folder).as_posix() for path in unread[:MOST_NAMED])
        left = len(unread) - MOST_NAMED
        more, more_ko = (f" and {left:,} more", f" 외 {left:,}개") if left > 0 else ("", "")
        source = tables[0].source
        said = assumed(
            f"files of the folder that hold no loss: {shown}{more}", f"폴더에서 손실이 없는 파일: {shown}{more_ko}"
        )
        tables[0] = replace(tables[0], source=replace(source, notes=(*source.notes, said)))
    return tables


def with_settings(found: list[Found], within: Path) -> list[RunTable]:
    """The runs, each with the settings from its folder or from one above it, up to `within`."""
    homes = {path: path if path.is_dir() else path.parent for path, _ in found}
    settings = {home: settings_of(home, within) for home in set(homes.values())}
    return [replace(table, settings=settings[homes[path]]) for path, table in found]
