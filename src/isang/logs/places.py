"""The positions of a dataset's events in the logs that it was made from, and the lines themselves.

A dataset holds no raw lines. `places.parquet` gives the record of each event, `line_index.parquet` the positions of
lines in the logs; with both, only the requested records are read again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isang.errors import InputError
from isang.json_files import flag, items, number, record, text
from isang.logs.input.line_index import INDEX_SCHEMA, ChangedLogError, IndexedLog
from isang.logs.input.sources import Source
from isang.logs.parsing.known_layouts import KNOWN, KnownLayout
from isang.logs.parsing.records import RecordTexts, SourceLayout, needs_line_before
from isang.logs.redaction import redacted
from isang.logs.store import PIECE_SESSIONS, Dataset, Rows, files_of, open_dataset, write_in_row_groups
from isang.parquet_files import check_table, explained, read_table

PLACES_SCHEMA = pl.Schema({"source_index": pl.List(pl.Int32()), "line": pl.List(pl.UInt32())})
"""Parallel to sessions.parquet and to the events in it: the log, and the first line of the record, from 1."""
_LOGS_SCHEMA = pl.Schema({"source_index": pl.Int32(), **INDEX_SCHEMA})
_PLACES, _INDEX = "places.parquet", "line_index.parquet"
_AGAIN = "prepare the logs again"
RUN_BYTES = 1 << 20
"""Neighbouring blocks of lines are parsed together up to this size."""
_MOST_BLOCKS = 64
"""No more blocks of lines are looked at for the end of a record."""
_SOURCE = record(
    {
        "name": text, "path": text, "encoding": text, "leading_nuls": number(0, whole=True),
        "read_as": number(0, whole=True),
    }
)  # fmt: skip
_META = record(
    {
        "sources": items(_SOURCE), "read_as": items(KNOWN),
        "config": record({"max_line_bytes": number(1, whole=True), "redact": flag}),
    }
)  # fmt: skip
"""What finding lines again needs of meta.json."""


@dataclass(frozen=True)
class ReadLog:
    """A log that was read: how, and where its lines lie."""

    source: Source
    layout: SourceLayout
    encoding: str
    leading_nuls: int
    """Zero bytes at its head."""
    index: pl.DataFrame = field(repr=False)
    """INDEX_SCHEMA."""


@dataclass(frozen=True)
class RawLines:
    """Access to the lines of logs that were read."""

    logs: Sequence[ReadLog]
    max_line_bytes: int
    redact: bool
    problems: dict[str, str] = field(default_factory=dict)
    """Logs whose lines could not be read again, with the reason."""

    def texts(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The whole texts of the records that begin at (position of the log, line), as far as they are still there.

        Without secrets, unless the settings ask for them.
        """
        by_log: dict[int, set[int]] = {}
        for log, line in wanted:
            by_log.setdefault(log, set()).add(line)
        shown = redacted if self.redact else str
        found: dict[tuple[int, int], str] = {}
        for log, lines in sorted(by_log.items()):
            found.update({(log, line): shown(text) for line, text in self._texts_of(self.logs[log], lines).items()})
        return found

    def _texts_of(self, log: ReadLog, lines: set[int]) -> dict[int, str]:
        texts = RecordTexts(log.layout, lines)
        before = needs_line_before(log.layout)
        try:
            with IndexedLog(
                log.source, log.index, log.encoding, log.leading_nuls, max_line_bytes=self.max_line_bytes
            ) as file:
                behind = 0
                for run in _runs(sorted({file.block_of(line) for line in lines}), log.index["bytes"].to_list()):
                    chunks = [file.chunk(block, line_before=before) for block in run if block >= behind]
                    if chunks:
                        texts.add(replace(chunks[0], text="\n".join(chunk.text for chunk in chunks)))
                        behind = run[-1] + 1
                    while texts.open and behind < min(run[-1] + _MOST_BLOCKS, len(file)):
                        texts.add(file.chunk(behind, line_before=before))
                        behind += 1
        except ChangedLogError as error:
            self.problems[log.source.name] = str(error)
        return texts.texts()

    @property
    def warnings(self) -> list[str]:
        """What could not be read again, a sentence each."""
        return [
            f"{name} {reason}; templates stand for the lines that could not be read again"
            for name, reason in self.problems.items()
        ]


def _runs(blocks: Sequence[int], sizes: Sequence[int]) -> Iterator[list[int]]:
    """The blocks in runs of adjacent ones with at most RUN_BYTES, or one larger block; `sizes` are those of all blocks.

    Parsing a block takes some milliseconds, however few lines it has.
    """
    run, room = list(blocks[:1]), 0
    for block in blocks[1:]:
        if block != run[-1] + 1 or room + sizes[block] > RUN_BYTES:
            yield run
            run, room = [], 0
        run.append(block)
        room += sizes[block]
    if run:
        yield run


@dataclass(frozen=True)
class StoredLogs:
    """A dataset folder with its events in memory, and the logs that it was made from."""

    dataset: Dataset
    folder: Path
    row_of: Rows
    """For each row of its files, the row in `dataset`."""
    lines: RawLines | None
    """None where the folder does not say where lines lie."""

    @cached_property
    def sources(self) -> list[Source]:
        """The logs, in the order in which they were read."""
        if self.lines is not None:
            return [log.source for log in self.lines.logs]
        names = self.dataset.sessions["source"].unique(maintain_order=True)
        return [Source(place, name or "", Path(name or ""), named=True) for place, name in enumerate(names)]

    @property
    def warnings(self) -> list[str]:
        """Why lines are missing, where some are."""
        if self.lines is None:
            return [f"{self.folder} does not say where its lines lie, so templates stand for them; {_AGAIN}"]
        return self.lines.warnings

    def places(self, rows: Rows) -> pl.DataFrame:
        """`source_index` and `line` of each event of the sessions `rows`, in their order; line 0 where it is unknown.

        Raises InputError if the folder does not match its sessions.
        """
        sizes = self.dataset.sizes[rows]
        if self.lines is None:
            number_of = {source.name: source.index for source in self.sources}
            names = self.dataset.sessions["source"].gather(rows)
            logs = [[number_of[name or ""]] * size for name, size in zip(names, sizes, strict=True)]
            return pl.DataFrame({"source_index": logs, "line": [[0] * size for size in sizes]}, schema=PLACES_SCHEMA)
        found = self._stored_places(rows)
        logs_E = found["source_index"].explode(empty_as_null=False, keep_nulls=False)
        if not all((found[name].list.len() == pl.Series(sizes)).all() for name in PLACES_SCHEMA) or not (
            logs_E.is_between(0, len(self.sources) - 1).all()
        ):
            raise InputError(f"{self.folder / _PLACES} does not fit the sessions beside it; {_AGAIN}")
        return found

    def _stored_places(self, rows: Rows) -> pl.DataFrame:
        place_of = np.empty_like(self.row_of)
        place_of[self.row_of] = np.arange(len(place_of))
        places, order = np.unique(place_of[rows], return_inverse=True)
        files = list(files_of(self.folder, "places"))
        table, parts = pl.scan_parquet(files, glob=False).select(PLACES_SCHEMA.names()), [PLACES_SCHEMA.to_frame()]
        for start in np.unique(places // PIECE_SESSIONS) * PIECE_SESSIONS:
            within = places[(places >= start) & (places < start + PIECE_SESSIONS)] - start
            with explained(self.folder / "places", _AGAIN):
                parts.append(table.slice(int(start), PIECE_SESSIONS).collect()[within].cast(PLACES_SCHEMA))
        return pl.concat(parts)[order]

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The texts of the records that begin at (source_index, line), as far as they can be read again."""
        return {} if self.lines is None else self.lines.texts(wanted)


def write_places(parts: Iterable[pl.DataFrame], logs: Sequence[ReadLog], folder: Path) -> None:
    """Write `places.parquet` from parts in the order of the sessions, and `line_index.parquet`."""
    write_in_row_groups(parts, PLACES_SCHEMA, folder / _PLACES)
    write_line_index(logs, folder)


def write_line_index(logs: Sequence[ReadLog], folder: Path) -> None:
    """Write `line_index.parquet`."""
    indexes = [log.index.select(pl.lit(log.source.index, pl.Int32).alias("source_index"), pl.all()) for log in logs]
    pl.concat([_LOGS_SCHEMA.to_frame(), *indexes]).write_parquet(folder / _INDEX)


def open_logs(folder: Path) -> StoredLogs:
    """A dataset folder with what leads to its lines. Raises InputError that says what is wrong with it."""
    stored = open_dataset(folder)
    dataset = stored.load()
    files = files_of(folder, "places")
    if not files[0].exists() or not (folder / _INDEX).exists():
        return StoredLogs(dataset, folder, stored.row_of, None)
    try:
        _META(dataset.meta, "")
        logs = _logs(dataset.meta, read_table(folder / _INDEX, dict(_LOGS_SCHEMA), _AGAIN))
    except ValueError as error:
        raise InputError(f"{folder}/meta.json cannot be used: {error}; {_AGAIN}") from error
    rows = sum(check_table(file, dict(PLACES_SCHEMA), _AGAIN, values_per_byte=2_000) for file in files)
    if rows != len(dataset.sessions):
        raise InputError(f"{folder}: the places have {rows:,} rows for {len(dataset.sessions):,} sessions; {_AGAIN}")
    config = dataset.meta["config"]
    return StoredLogs(dataset, folder, stored.row_of, RawLines(logs, config["max_line_bytes"], config["redact"]))


def _logs(meta: Mapping[str, Any], index: pl.DataFrame) -> list[ReadLog]:
    logs, ways = [], [KnownLayout.from_dict(way) for way in meta["read_as"]]
    for place, given in enumerate(meta["sources"]):
        if given["read_as"] >= len(ways):
            raise ValueError(f"sources[{place}].read_as must be below {len(ways)}, got {given['read_as']}")
        known = ways[given["read_as"]]
        layouts = tuple((layout, 0.0) for layout in known.layouts)
        layout = SourceLayout(known.containers, layouts, known.clocks, "UTC", datetime(1970, 1, 1))
        source = Source(place, given["name"], Path(given["path"]), named=True)
        lines = index.filter(pl.col("source_index") == place).select(INDEX_SCHEMA.names())
        logs.append(ReadLog(source, layout, given["encoding"], given["leading_nuls"], lines))
    return logs
