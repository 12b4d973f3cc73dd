"""The dataset folder: sessions.parquet, templates.parquet, meta.json."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from isang import files
from isang.errors import InputError

SCHEMA = 1
"""Number of the folder's format, in meta.json."""
SESSIONS_SCHEMA = pl.Schema(
    {
        "session_id": pl.String(),
        "source": pl.String(),
        "start": pl.Datetime("us", "UTC"),
        "end": pl.Datetime("us", "UTC"),
        "events": pl.List(pl.Int32()),
        "gaps_ms": pl.List(pl.Int32()),
        "label": pl.Boolean(),
        "kind": pl.String(),
    }
)
OPTIONAL = ("kind",)
"""Columns that a file from elsewhere may lack; they are null then."""
TEMPLATES_SCHEMA = pl.Schema({"event": pl.Int32(), "template": pl.String(), "level": pl.String(), "count": pl.Int64()})
ROW_GROUP_SESSIONS = 16_384
"""Sessions are written, and can be read, this many at a time."""
_MAX_META_BYTES = 256 << 20


@dataclass(frozen=True)
class Dataset:
    """Sessions of events, what the events mean, and how they came about."""

    sessions: pl.DataFrame
    """SESSIONS_SCHEMA; one row per session in the order of (start, session_id), without a start last."""
    templates: pl.DataFrame
    """TEMPLATES_SCHEMA; one row per event in rising order."""
    meta: dict[str, Any]
    """Plain JSON values: the account of the lines and the rules of the preparation."""


def write_dataset(dataset: Dataset, folder: Path, *, overwrite: bool = False) -> None:
    """Write the folder in one step. Raises UsageError where `folder` holds something and `overwrite` is not set."""
    with files.folder_being_written(folder, overwrite=overwrite) as beside:
        write_sessions([dataset.sessions], beside)
        write_account(dataset.templates, dataset.meta, beside)


def write_sessions(sessions: Iterable[pl.DataFrame], folder: Path) -> None:
    """Write `sessions.parquet` from parts in their order, one row group at a time.

    The same sessions give the same bytes, whatever the parts that they come in.
    """

    def row_groups(*_: object) -> Iterator[pl.DataFrame]:
        rest = pl.DataFrame(schema=SESSIONS_SCHEMA)
        for part in sessions:
            rest = rest.vstack(part.select(SESSIONS_SCHEMA.names()))
            while rest.height >= ROW_GROUP_SESSIONS:
                yield rest.head(ROW_GROUP_SESSIONS).rechunk()
                rest = rest.slice(ROW_GROUP_SESSIONS)
        yield rest.rechunk()

    source = register_io_source(row_groups, schema=SESSIONS_SCHEMA)
    source.sink_parquet(folder / "sessions.parquet", row_group_size=ROW_GROUP_SESSIONS)


def write_account(templates: pl.DataFrame, meta: dict[str, Any], folder: Path) -> None:
    """Write `templates.parquet` and `meta.json`."""
    templates.write_parquet(folder / "templates.parquet")
    files.write_text(folder / "meta.json", files.to_json(meta))


def read_dataset(folder: Path) -> Dataset:
    """A dataset folder, checked. Raises InputError that says what is wrong with it."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no dataset folder: {'it is a file' if folder.exists() else 'it does not exist'}")
    meta = _read_meta(folder / "meta.json")
    sessions = _read_table(folder / "sessions.parquet", SESSIONS_SCHEMA)
    templates = _read_table(folder / "templates.parquet", TEMPLATES_SCHEMA)
    _check(folder, sessions, templates)
    return Dataset(
        sessions.sort("start", "session_id", nulls_last=True, maintain_order=True), templates.sort("event"), meta
    )


def _read_meta(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_META_BYTES:
            raise InputError(f"{path} is larger than {_MAX_META_BYTES >> 20} MiB; this is no dataset of isang")
        meta = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read {path}: {error.strerror or error}; is this a folder of isang prepare?"
        ) from error
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from error
    if not isinstance(meta, dict) or meta.get("schema") != SCHEMA:
        found = meta.get("schema") if isinstance(meta, dict) else None
        raise InputError(f"{path} has schema {found!r}, this version reads schema {SCHEMA}; prepare the logs again")
    return meta


def _read_table(path: Path, schema: pl.Schema) -> pl.DataFrame:
    if not path.is_file():
        raise InputError(f"{path} is missing; a dataset folder holds sessions.parquet, templates.parquet and meta.json")
    try:
        table = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    table = table.with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in OPTIONAL if name in schema and name not in table.columns
    )
    missing = [name for name in schema if name not in table.columns]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(table.columns)}")
    try:
        return table.select(pl.col(name).cast(kind) for name, kind in schema.items())
    except pl.exceptions.PolarsError as error:
        wanted = ", ".join(f"{name} {kind}" for name, kind in schema.items())
        raise InputError(f"{path} must have the columns {wanted}: {error}") from error


def _check(folder: Path, sessions: pl.DataFrame, templates: pl.DataFrame) -> None:
    """What the rest of the program takes for granted."""
    if sessions.is_empty():
        raise InputError(f"{folder} holds no sessions")
    for name in ("session_id", "events"):
        if sessions[name].null_count():
            raise InputError(f"{folder}/sessions.parquet: {name} must not be null")
    repeated = sessions.filter(pl.col("session_id").is_duplicated())
    if repeated.height:
        raise InputError(f"{folder}/sessions.parquet: session_id {repeated['session_id'][0]!r} stands there twice")
    if templates.filter(
        pl.col("event").is_duplicated() | pl.col("event").is_null() | pl.col("template").is_null()
    ).height:
        raise InputError(f"{folder}/templates.parquet: each event must stand there once, with its template")
    unequal = sessions.filter(pl.col("gaps_ms").list.len() != pl.col("events").list.len())
    if unequal.height:
        raise InputError(
            f"{folder}/sessions.parquet: gaps_ms and events differ in length in {unequal['session_id'][0]!r}"
        )
    empty = sessions.filter(pl.col("events").list.len() == 0)
    if empty.height:
        raise InputError(f"{folder}/sessions.parquet: session {empty['session_id'][0]!r} has no events")
    events = sessions["events"].explode()
    unknown = events.filter(~events.is_in(templates["event"].implode()))
    if unknown.len() or events.null_count():
        raise InputError(
            f"{folder}: events such as {unknown[0] if unknown.len() else None} have no row in templates.parquet"
        )
