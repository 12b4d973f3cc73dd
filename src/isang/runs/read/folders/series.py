"""Runs that a tool keeps as a folder with one file per series: MLflow's file store and DVCLive."""

from collections.abc import Callable
from pathlib import Path

from isang.errors import InputError
from isang.runs.read.lines.values import Value, rows_by_step
from isang.runs.read.rows import MAX_SERIES, Account, LoggedRows, assumed, from_rows

SERIES_FOLDERS = ("metrics", "scalars")
"""Names of folders that may hold one file per series."""
MAX_FILE_BYTES = 256 << 20


def read_series_folder(folder: Path) -> LoggedRows | None:
    """The run in a folder of one file per series; None if it is not such a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))[:MAX_SERIES]
    if not files:
        return None
    if all(path.suffix == ".tsv" for path in files):
        return _read(folder, files, "dvclive", _dvclive)
    if (folder.parent / "meta.yaml").is_file():
        return _read(folder, files, "mlflow file store", _mlflow)
    return None


def run_of(folder: Path) -> Path:
    """The folder of the run that a folder of series belongs to; DVCLive has RUN/plots/metrics."""
    return folder.parent.parent if folder.parent.name == "plots" else folder.parent


def _name_of(run: Path) -> str:
    """What the user called the run: MLflow's tag, else the folder's name."""
    tag = run / "tags" / "mlflow.runName"
    try:
        said = tag.read_text(encoding="utf-8", errors="replace")[:200].strip() if tag.is_file() else ""
    except OSError:
        said = ""
    return said or run.resolve().name


def _read(
    folder: Path, files: list[Path], tool: str, parse: Callable[[str, str, Account], list[Value]]
) -> LoggedRows | None:
    run = run_of(folder)
    account = Account(
        run.resolve().name,
        tool,
        notes=[assumed("the values of one step count as a line", "한 스텝의 값들을 한 줄로 셉니다")],
    )
    values: list[Value] = []
    for path in files:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(f"{path} has more than {MAX_FILE_BYTES >> 20} MiB, which is not read")
        series = path.relative_to(folder).with_suffix("" if tool == "dvclive" else path.suffix).as_posix()
        account.size_bytes += path.stat().st_size
        values += parse(series, path.read_text(encoding="utf-8", errors="replace"), account)
    if not values:
        return None
    rows = rows_by_step(values)
    account.lines = len(rows) + account.failed
    return from_rows(rows, account, name=_name_of(run))


def _mlflow(series: str, text: str, account: Account) -> list[Value]:
    """Lines `milliseconds value step`; the oldest versions wrote no step."""
    found = []
    for line in filter(str.strip, text.splitlines()):
        cells = line.split()
        numbers = _numbers(cells)
        if numbers is None or len(cells) not in (2, 3):
            account.fail(line)
            continue
        found.append(Value(series, numbers[1], numbers[2] if len(numbers) == 3 else 0.0, numbers[0] / 1000))
    return found


def _dvclive(series: str, text: str, account: Account) -> list[Value]:
    """A row of names (`step`, the series, perhaps `timestamp`) and rows of numbers."""
    lines = [line for line in text.splitlines() if line.strip()]
    names = lines[0].split("\t") if lines else []
    last = series.rsplit("/", 1)[-1]
    if "step" not in names or last not in names:
        account.fail(lines[0] if lines else series)
        return []
    found = []
    for line in lines[1:]:
        cells = dict(zip(names, line.split("\t"), strict=False))
        numbers = _numbers([cells.get("step", ""), cells.get(last, ""), cells.get("timestamp", "0")])
        if numbers is None:
            account.fail(line)
            continue
        found.append(Value(series, numbers[1], numbers[0], numbers[2] / 1000))
    return found


def _numbers(cells: list[str]) -> list[float] | None:
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None
