"""Growing files and pipes as one source of records: raw lines, those of all logs together."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from glob import has_magic
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isang.compression import COMPRESSED
from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.logs.input.chunks import CHUNK_BYTES, Chunk
from isang.logs.input.sources import Source, find_sources, log_of
from isang.logs.stream.record import RECORDS_SCHEMA
from isang.logs.stream.rotation import Position
from isang.logs.stream.tails import FileTail, PipeTail, Tail
from isang.progress import say

BATCH_BYTES = 2 * CHUNK_BYTES
"""Approximate number of bytes read at a time, over all logs."""
_BYTES = ("head", "mark", "rest")
"""Of a position; hexadecimal in JSON."""


class FollowedLogs:
    """The lines of growing logs, a RecordSource; the cursor is the position in each log.

    `places` is the cursor of an earlier process. Where more is there than is read at a time, the logs that are
    furthest behind in their own time are read first; `reached` says how far each has come, in microseconds.
    """

    def __init__(self, paths: Sequence[str], config: LogsConfig, places: Mapping[str, Any] | None = None) -> None:
        self._paths, self._max_line_bytes = list(paths), config.max_line_bytes
        self.places = dict(places or {})
        """Where an earlier process was."""
        self.tails: dict[str, Tail] = {}
        """By stream: the path of the log."""
        self.reached: dict[str, int] = {}
        self._behind: set[str] = set()
        self.look()
        if self._paths and not self.tails:
            say(f"no logs in {', '.join(self._paths)} yet; waiting for them")

    @property
    def ended(self) -> bool:
        """Nothing more can come."""
        return bool(self.tails) and all(tail.ended for tail in self.tails.values())

    @property
    def horizon_us(self) -> int | None:
        """The time up to which all logs have been read, while more is there than is read at a time."""
        return min((self.reached.get(stream, 0) for stream in self._behind), default=None)

    @property
    def behind(self) -> bool:
        """See RecordSource."""
        return bool(self._behind)

    def resume(self, cursor: Any) -> None:
        """See RecordSource; only where no log was found yet."""
        self.places = dict(cursor)

    def look(self) -> list[str]:
        """Find logs that are new: their streams."""
        try:
            found = list(_tails(self._paths, self._max_line_bytes, self.tails.keys(), self.places))
        except InputError:
            if not self.tails:
                raise
            return []  # nothing is there while files are moved about
        self.tails.update((str(tail.path), tail) for tail in found)
        return [str(tail.path) for tail in found]

    def is_known(self, stream: str) -> bool:
        """Whether an earlier process read some of this log."""
        return _place_of(self.tails[stream].path) in self.places

    def read(self) -> tuple[pl.DataFrame, dict[str, Any]]:
        """See RecordSource. Raises InputError where a file cannot be read."""
        horizon, size = self.horizon_us, 0
        chunks: list[tuple[str, str, Chunk]] = []
        for stream, tail in self.tails.items():
            if horizon is not None and self.reached.get(stream, 0) > horizon:
                continue
            if size >= BATCH_BYTES:
                self._behind.add(stream)
                continue
            before = tail.position.offset
            chunk = tail.read()
            self._behind.discard(stream)
            if chunk is not None:
                chunks.append((stream, tail.name, chunk))
                size += tail.position.offset - before
                if tail.position.offset - before > CHUNK_BYTES // 2:
                    self._behind.add(stream)
        return _lines_of(chunks), self.cursor()

    def last(self) -> pl.DataFrame:
        """The text after the last line end of each log, as lines, for when nothing more will come."""
        chunks = ((stream, tail.name, tail.last()) for stream, tail in self.tails.items())
        return _lines_of([(stream, name, chunk) for stream, name, chunk in chunks if chunk is not None])

    def written(self, streams: Sequence[str]) -> dict[str, datetime]:
        """When these logs were written to last."""
        return {stream: self.tails[stream].modified() for stream in streams}

    def acknowledge(self, cursor: Any) -> None:
        """Files stay where they are."""

    def cursor(self) -> dict[str, Any]:
        """Where reading stands."""
        now = {_place_of(tail.path): _plain(tail.position) for tail in self.tails.values()}
        return self.places | now


def _lines_of(chunks: Sequence[tuple[str, str, Chunk]]) -> pl.DataFrame:
    """The lines of (stream, source, chunk) as records (RECORDS_SCHEMA) that are still to be parsed."""
    if not chunks:
        return RECORDS_SCHEMA.to_frame()
    sizes = np.array([chunk.text.count("\n") + 1 for *_, chunk in chunks])
    of = pl.Series(np.repeat(np.arange(len(chunks)), sizes))
    first = np.array([chunk.first_line for *_, chunk in chunks]) - (np.cumsum(sizes) - sizes)
    columns = {
        "stream": pl.Series([stream for stream, *_ in chunks]).gather(of),
        "source": pl.Series([source for _, source, _ in chunks]).gather(of),
        "line": pl.Series(np.repeat(first, sizes) + np.arange(sizes.sum())),
        "text": pl.Series(["\n".join(chunk.text for *_, chunk in chunks)]).str.split("\n").explode(),
    }
    missing = [pl.lit(None).alias(name) for name in RECORDS_SCHEMA if name not in columns]
    return pl.DataFrame(columns).with_columns(missing).select(RECORDS_SCHEMA.names()).cast(RECORDS_SCHEMA)


def _plain(position: Position) -> dict[str, Any]:
    return {**vars(position), **{name: getattr(position, name).hex() for name in _BYTES}}


def _position(place: dict[str, Any] | None) -> Position | None:
    if place is None:
        return None
    return Position(**(place | {name: bytes.fromhex(place[name]) for name in _BYTES}))


def _tails(
    paths: Sequence[str], max_line_bytes: int, known: Sequence[str] | Any, places: Mapping[str, Any]
) -> Iterator[FileTail | PipeTail]:
    """The logs that `paths` name now and that are not `known`; one for each rotated set."""
    if "-" in paths:
        if len(paths) > 1:
            raise UsageError("standard input ('-') is followed alone, without files beside it")
        if not known:
            yield PipeTail(sys.stdin.fileno(), "stdin", max_line_bytes=max_line_bytes)
        return
    streams: dict[int, list[Source]] = {}
    for source in _sources(paths):
        streams.setdefault(source.stream, []).append(source)
    for members in streams.values():
        log = log_of(members[-1].path)
        if str(log) not in known:
            yield FileTail(
                log, members[-1].name, max_line_bytes=max_line_bytes, start=members[0].path,
                position=_position(places.get(_place_of(log))),
            )  # fmt: skip


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _place_of(log: Path) -> str:
    """The location of the log, independent of the working directory."""
    return str(log.absolute())


def _sources(paths: Sequence[str]) -> list[Source]:
    """As `find_sources`, but a file may be missing for now, a folder may be empty, and what does not grow is an error
    or left out.
    """
    for path in paths:
        if Path(path).is_fifo():
            raise UsageError(f"{path} is a pipe; follow a pipe as standard input: isang detect … - --follow < {path}")
    missing = [path for path in paths if not Path(path).exists() and not has_magic(path)]
    there = [path for path in paths if path not in missing and not _is_empty(Path(path))]
    found = find_sources(there) if there else []
    for source in found:
        if source.named and source.path.suffix.lower() in COMPRESSED:
            raise UsageError(f"{source.path} is compressed, so it does not grow; leave it out, or leave out --follow")
    growing = [source for source in found if source.path.suffix.lower() not in COMPRESSED]
    streams = len(found)
    return growing + [
        Source(len(found) + place, Path(path).name, Path(path), named=True, stream=streams + place)
        for place, path in enumerate(missing)
    ]
