"""Databases of MLflow (`mlflow.db`) and trackio, opened read-only and with bounds: the file may be hostile."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from isang.errors import InputError
from isang.runs.read.lines.values import Value, rows_by_step
from isang.runs.read.readers.jsonlines import numbers_of
from isang.runs.read.readers.reader import CERTAIN, Reader
from isang.runs.read.rows import Account, LoggedRows, assumed, from_rows

name = "sqlite"
MAX_VALUES = 20_000_000
MAX_TEXT_BYTES = 1 << 20
MAX_RUNS = 1_000
MAX_INSTRUCTIONS = 20_000_000_000
"""Work after which a query is given up."""
_CHECK_EVERY = 1_000_000

MLFLOW = {"key", "value", "timestamp", "run_uuid", "step"}
TRACKIO = {"run_name", "step", "metrics", "timestamp"}


def sure(head: bytes, path: Path) -> float:
    """The file's own mark."""
    return CERTAIN if head.startswith(b"SQLite format 3\x00") else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """All runs in the table `metrics`."""
    try:
        with closing(_connection(path)) as database:
            columns = _columns(database)
            if columns >= MLFLOW:
                found = list(_mlflow_runs(database))
                kind = "mlflow database"
            elif columns >= TRACKIO:
                found = list(_trackio_runs(database))
                kind = "trackio database"
            else:
                raise InputError(
                    f"{path} is a database without a table `metrics` as MLflow or trackio write it: "
                    "it is no training log"
                )
    except (sqlite3.Error, UnicodeError) as error:  # a damaged schema may hold names that are not text
        raise InputError(f"{path} is a damaged database, or one that is being written ({error})") from error
    if not found:
        raise InputError(f"{path} holds no run with a metric")
    for run, rows in found:
        account = Account(path.name, kind, size_bytes=path.stat().st_size, lines=len(rows))
        account.notes.append(assumed("the values of one step count as a line", "한 스텝의 값들을 한 줄로 셉니다"))
        yield from_rows(rows, account, name=run)


def _connection(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing beside the file unless a writer's journal has to be read along."""
    journal = path.with_name(path.name + "-wal")
    mode = "mode=ro" if journal.is_file() and journal.stat().st_size else "immutable=1"
    database = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{mode}", uri=True, timeout=5.0)
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 16 * MAX_TEXT_BYTES)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    left = [MAX_INSTRUCTIONS // _CHECK_EVERY]

    def over() -> bool:
        left[0] -= 1
        return left[0] < 0

    database.set_progress_handler(over, _CHECK_EVERY)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA query_only = ON")
    database.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return database


def _columns(database: sqlite3.Connection) -> set[str]:
    """Columns of the table `metrics`; a view of that name would run the file's own query and is refused."""
    kinds = database.execute("SELECT type FROM sqlite_master WHERE lower(name) = 'metrics'").fetchall()
    if kinds != [("table",)]:
        return set()
    return {str(row[1]) for row in database.execute("PRAGMA table_info(metrics)")}


def _mlflow_runs(database: sqlite3.Connection) -> Iterator[tuple[str, list[dict[str, float]]]]:
    names: dict[str, str] = {}
    if ("runs",) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        columns = {str(row[1]) for row in database.execute("PRAGMA table_info(runs)")}
        if {"run_uuid", "name"} <= columns:
            query = "SELECT run_uuid, name FROM runs LIMIT ?"
            names = {str(key): str(said) for key, said in database.execute(query, (MAX_RUNS * 100,)) if said}
    values: dict[str, list[Value]] = {}
    query = "SELECT run_uuid, key, value, timestamp, step FROM metrics ORDER BY rowid LIMIT ?"
    flagged = "is_nan" in {str(row[1]) for row in database.execute("PRAGMA table_info(metrics)")}
    if flagged:  # MLflow writes 0 for NaN and says so beside it
        query = query.replace("value,", "CASE WHEN is_nan THEN 'nan' ELSE value END,")
    for run, key, value, moment, step in database.execute(query, (MAX_VALUES,)):
        number = _number(value)
        if number is not None and (run in values or len(values) < MAX_RUNS):
            at = (_number(moment) or 0.0) / 1000
            values.setdefault(run, []).append(Value(str(key), number, _number(step) or 0.0, at))
    for run, found in values.items():
        yield names.get(str(run), str(run)), rows_by_step(found)


def _trackio_runs(database: sqlite3.Connection) -> Iterator[tuple[str, list[dict[str, float]]]]:
    rows: dict[str, list[dict[str, float]]] = {}
    query = "SELECT run_name, step, timestamp, metrics FROM metrics ORDER BY rowid LIMIT ?"
    for run, step, moment, text in database.execute(query, (MAX_VALUES,)):
        if not isinstance(text, str) or len(text) > MAX_TEXT_BYTES:
            continue
        try:
            entry = json.loads(text)
        except (ValueError, RecursionError):
            continue
        row = numbers_of(entry) if isinstance(entry, dict) else {}
        number = _number(step)
        if row and number is not None and (run in rows or len(rows) < MAX_RUNS):
            row = {"step": number, **{key: value for key, value in row.items() if key != "step"}}
            if (at := _moment(moment)) is not None:
                row["timestamp"] = at
            rows.setdefault(str(run), []).append(row)
    yield from rows.items()


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _moment(text: Any) -> float | None:
    """Seconds since 1970 of an ISO time, read as UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(str(text))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


READER = Reader(name, sure, read)
