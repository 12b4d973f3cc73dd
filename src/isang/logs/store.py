"""The dataset folder: sessions.parquet, or sessions/part-*.parquet; templates.parquet, meta.json."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars.io.plugins import register_io_source

from isang.errors import InputError
from isang.files import folder_being_written, to_json, write_text
from isang.json_files import anything, mapping, maybe, one_of, read_json, record
from isang.parquet_files import check_table, explained, read_table

Rows = NDArray[np.int64]

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
PIECE_SESSIONS = 8 * ROW_GROUP_SESSIONS
"""Number of sessions whose events are read at once: opening the file for each row group would take longer. Each part of
a dataset in parts has as many, the last one the rest."""
_MAX_META_BYTES = 256 << 20
_META = record({"schema": one_of(SCHEMA)}, {"rules": maybe(mapping(anything))})
"""What is looked at in meta.json; the rules are checked when they are used."""
_AGAIN = "prepare the logs again"
_PARTS = "part-*.parquet"
_MOST_PARTS = 100_000
_EVENTS_PER_BYTE = 2_000
"""Maximum number of events per byte: sessions of the same few events compress this well; they are read in portions."""
_MAX_EVENT = 10_000_000


PER_EVENT = ("events", "gaps_ms")
"""The columns with a value per event: they can be larger than memory."""


@dataclass(frozen=True)
class Dataset:
    """Sessions of events, what the events mean, and how they came about."""

    sessions: pl.DataFrame
    """SESSIONS_SCHEMA; one row per session in the order of (start, session_id), without a start last."""
    templates: pl.DataFrame
    """TEMPLATES_SCHEMA; one row per event in rising order."""
    meta: dict[str, Any]
    """Plain JSON values: the account of the lines and the rules of the preparation."""

    @property
    def sizes(self) -> Rows:
        """Events per session."""
        return self.sessions["events"].list.len().to_numpy().astype(np.int64)

    def pieces(self, *columns: str) -> Iterator[tuple[Rows, pl.DataFrame]]:
        """Portions of sessions: their rows in `sessions`, and their `columns`, which must be in PER_EVENT."""
        yield np.arange(len(self.sessions), dtype=np.int64), self.sessions.select(columns)


@dataclass(frozen=True)
class StoredDataset(Dataset):
    """A dataset folder whose events stay on disk: `sessions` lacks the columns PER_EVENT."""

    folder: Path
    files: tuple[Path, ...]
    """Those of the sessions, whose rows may be in a different order."""
    row_of: Rows
    """For each row of these files, its row in `sessions`."""
    event_counts: Rows

    @property
    def sizes(self) -> Rows:
        """Events per session."""
        return self.event_counts

    def pieces(self, *columns: str) -> Iterator[tuple[Rows, pl.DataFrame]]:
        """As for any dataset, read from the files, at most PIECE_SESSIONS at a time."""
        casts, done = [pl.col(name).cast(SESSIONS_SCHEMA[name]) for name in columns], 0
        for file in self.files:
            table = pl.scan_parquet(file, glob=False).select(casts)
            height, start = PIECE_SESSIONS, 0
            while height == PIECE_SESSIONS and done < len(self.row_of):
                with explained(file, _AGAIN):
                    piece = table.slice(start, PIECE_SESSIONS).collect()
                height = piece.height
                if height:
                    yield self.row_of[done : done + height], piece
                start, done = start + height, done + height

    def load(self, rows: Rows | None = None) -> Dataset:
        """The sessions `rows`, ascending (all where None), in memory."""
        wanted = np.ones(len(self.row_of), dtype=bool)
        if rows is not None:
            wanted[:] = False
            wanted[rows] = True
        parts = [
            part.filter(wanted[places]).with_columns(row=places[wanted[places]])
            for places, part in self.pieces(*PER_EVENT)
        ]
        per_event = pl.concat(parts).sort("row").drop("row")
        heads = self.sessions.filter(wanted)
        sessions = pl.concat([heads, per_event], how="horizontal").select(SESSIONS_SCHEMA.names())
        return Dataset(sessions, self.templates, self.meta)


def write_dataset(dataset: Dataset, folder: Path, *, overwrite: bool = False) -> None:
    """Write the folder in one step. Raises UsageError where `folder` holds something and `overwrite` is not set."""
    with folder_being_written(folder, overwrite=overwrite) as beside:
        write_sessions([dataset.sessions], beside)
        write_account(dataset.templates, dataset.meta, beside)


def write_sessions(sessions: Iterable[pl.DataFrame], folder: Path) -> None:
    """Write `sessions.parquet` from parts in their order, as `write_in_row_groups` does."""
    write_in_row_groups(sessions, SESSIONS_SCHEMA, folder / "sessions.parquet")


def write_in_row_groups(parts: Iterable[pl.DataFrame], schema: pl.Schema, path: Path) -> None:
    """Write the columns of `schema`, a row per session, one row group at a time.

    The same rows give the same bytes, whatever the parts that they come in.
    """

    def row_groups(*_: object) -> Iterator[pl.DataFrame]:
        rest = pl.DataFrame(schema=schema)
        for part in parts:
            rest = rest.vstack(part.select(schema.names()))
            while rest.height >= ROW_GROUP_SESSIONS:
                yield _newly_made(rest.head(ROW_GROUP_SESSIONS))
                rest = rest.slice(ROW_GROUP_SESSIONS)
        yield _newly_made(rest)

    register_io_source(row_groups, schema=schema).sink_parquet(path, row_group_size=ROW_GROUP_SESSIONS)


def _newly_made(table: pl.DataFrame) -> pl.DataFrame:
    """A copy row by row: how lists are put into pages depends on the whole array that a table is a part of."""
    return table[np.arange(table.height)]


def write_account(templates: pl.DataFrame, meta: dict[str, Any], folder: Path) -> None:
    """Write `templates.parquet` and `meta.json`."""
    templates.write_parquet(folder / "templates.parquet")
    write_text(folder / "meta.json", to_json(meta))


def read_dataset(folder: Path) -> Dataset:
    """A dataset folder in memory, checked. Raises InputError that says what is wrong with it."""
    return open_dataset(folder).load()


def is_dataset(path: Path) -> bool:
    """Whether a path is a dataset folder rather than a folder of logs."""
    if not (path / "meta.json").is_file():
        return False
    return (path / "sessions.parquet").is_file() or any((path / "sessions").glob(_PARTS))


def part_file(folder: Path, name: str, number: int) -> Path:
    """The file of a part, from 0, of a table in parts."""
    return folder / name / f"part-{number:05d}.parquet"


def files_of(folder: Path, name: str) -> tuple[Path, ...]:
    """The files of a table of a dataset: `NAME.parquet`, or `NAME/part-*.parquet` in the order of their names.

    Raises InputError where there are both, or too many.
    """
    whole = folder / f"{name}.parquet"
    parts = sorted(islice((folder / name).glob(_PARTS), _MOST_PARTS + 1))
    if len(parts) > _MOST_PARTS:
        raise InputError(f"{folder / name} has more than {_MOST_PARTS:,} parts; {_AGAIN}")
    if parts and whole.exists():
        raise InputError(f"{folder} has both {name}.parquet and {name}/{parts[0].name}; remove what does not belong")
    return tuple(parts) or (whole,)


def open_dataset(folder: Path) -> StoredDataset:
    """A dataset folder of any size, checked. Raises InputError that says what is wrong with it."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no dataset folder: {'it is a file' if folder.exists() else 'it does not exist'}")
    meta = _read_meta(folder / "meta.json")
    files = files_of(folder, "sessions")
    sized: dict[str, Any] = {"may_lack": OPTIONAL, "values_per_byte": _EVENTS_PER_BYTE}
    for file in files:
        check_table(file, SESSIONS_SCHEMA, _AGAIN, **sized)
    head = _types(*set(SESSIONS_SCHEMA) - set(PER_EVENT))
    heads = pl.concat([read_table(file, head, _AGAIN, **sized) for file in files])
    _check_complete(folder, files, len(heads), meta)
    templates = read_table(folder / "templates.parquet", TEMPLATES_SCHEMA, _AGAIN).sort("event")
    heads = heads.with_row_index("place").sort("start", "session_id", nulls_last=True, maintain_order=True)
    row_of = np.empty(len(heads), dtype=np.int64)
    row_of[heads["place"].to_numpy()] = np.arange(len(heads))
    dataset = StoredDataset(heads.drop("place"), templates, meta, folder, files, row_of, np.empty_like(row_of))
    _check_heads(folder, dataset)
    numbers = templates["event"].to_numpy()
    known: NDArray[np.bool_] = np.zeros(int(numbers.max()) + 1, dtype=np.bool_)
    known[numbers] = True
    for rows, piece in dataset.pieces(*PER_EVENT):
        dataset.event_counts[rows] = _checked_sizes(folder, dataset.sessions["session_id"].gather(rows), piece, known)
    return dataset


def read_account(folder: Path) -> dict[str, Any]:
    """`meta.json` of a dataset folder, checked. Raises InputError."""
    return _read_meta(folder / "meta.json")


def _read_meta(path: Path) -> dict[str, Any]:
    meta: dict[str, Any] = read_json(path, _META, "prepare the logs again", most_bytes=_MAX_META_BYTES)
    return meta


def _types(*names: str) -> dict[str, pl.DataType]:
    """The types of these columns of sessions.parquet."""
    return {name: SESSIONS_SCHEMA[name] for name in SESSIONS_SCHEMA if name in names}


def _check_complete(folder: Path, files: Sequence[Path], sessions: int, meta: dict[str, Any]) -> None:
    """Raise InputError if a part is missing, as far as the folder says how many sessions there were."""
    said = meta.get("sessions")
    if len(files) > 1 and isinstance(said, int) and said != sessions:
        raise InputError(
            f"{folder}: the {len(files)} parts have {sessions:,} sessions, meta.json says {said:,}; a part is missing "
            f"or does not belong; {_AGAIN}"
        )


def _check_heads(folder: Path, dataset: Dataset) -> None:
    """What the rest of the program takes for granted of sessions and templates."""
    if dataset.sessions.is_empty():
        raise InputError(f"{folder} holds no sessions")
    ids = dataset.sessions["session_id"]
    if ids.null_count():
        raise InputError(f"{folder}: session_id must not be null")
    if ids.hash().n_unique() < len(ids) and ids.n_unique() < len(ids):  # hashes take a tenth of the time and memory
        raise InputError(f"{folder}: session_id {ids.filter(ids.is_duplicated())[0]!r} stands there twice")
    event, template = pl.col("event"), pl.col("template")
    wrong = event.is_duplicated() | event.is_null() | ~event.is_between(0, _MAX_EVENT) | template.is_null()
    if dataset.templates.is_empty() or dataset.templates.filter(wrong).height:
        raise InputError(
            f"{folder}/templates.parquet: each event must stand there once, with its template, as a number from 0 to "
            f"{_MAX_EVENT:,}"
        )


def _checked_sizes(folder: Path, ids: pl.Series, piece: pl.DataFrame, known: NDArray[np.bool_]) -> Rows:
    """Events per session of some sessions, after a look at what the rest of the program takes for granted of them."""
    if piece["events"].null_count():
        raise InputError(f"{folder}: events must not be null")
    sizes, gaps = piece["events"].list.len(), piece["gaps_ms"].list.len()
    unequal = ids.filter(gaps != sizes)
    if len(unequal):
        raise InputError(f"{folder}: gaps_ms and events differ in length in {unequal[0]!r}")
    empty = ids.filter(sizes == 0)
    if len(empty):
        raise InputError(f"{folder}: session {empty[0]!r} has no events")
    events = piece["events"].explode()
    numbers = events.drop_nulls().to_numpy()
    unknown = numbers[(numbers < 0) | (numbers >= len(known)) | ~known[np.clip(numbers, 0, len(known) - 1)]]
    if len(unknown) or events.null_count():
        example = unknown[0] if len(unknown) else None
        raise InputError(f"{folder}: events such as {example} have no row in templates.parquet")
    return sizes.to_numpy().astype(np.int64)
