"""A path to runs: a file, or a folder in which each run is a folder or a file."""

from pathlib import Path

from isang.errors import InputError
from isang.runs.read.assemble import NoLossError
from isang.runs.read.choice import Asked
from isang.runs.read.folders.runs import read_folder, with_settings
from isang.runs.read.readers import read_file
from isang.runs.read.table import RunTable


def read_runs(path: Path, asked: Asked | None = None) -> list[RunTable]:
    """The runs in a file, or in the files of a folder. Raises InputError if there is none."""
    path, asked = Path(path), asked or Asked()
    if path.is_dir():
        tables, reasons = read_folder(path, asked)
        if not tables:
            why = f"; the first reason: {reasons[0]}" if reasons else ""
            raise InputError(f"the folder {path} holds no training log{why}")
        return tables
    return with_settings([(path, table) for table in read_file(path, asked)], path.parent)


def series_of(path: Path) -> list[tuple[str, dict[str, int]]]:
    """Names of the runs in a file or folder, each with its series and their numbers of values; a run needs no loss.

    Raises InputError where no series is found at all.
    """
    path = Path(path)
    reasons: list[InputError] = []
    tables: list[RunTable] = []
    if path.is_dir():
        tables, reasons = read_folder(path, Asked())
    else:
        try:
            tables = read_file(path, Asked())
        except NoLossError as error:
            reasons = [error]
    found = [(table.name, table.series) for table in tables]
    found += [(error.name, error.series) for error in reasons if isinstance(error, NoLossError)]
    if not found:
        why = f"; the first reason: {reasons[0]}" if reasons else ""
        raise InputError(f"{path} holds no series of numbers{why}")
    return found
