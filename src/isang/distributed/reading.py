"""The task that reads a part of the logs: lines to records, by session partition."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import polars as pl

from isang.distributed.blocks import BlockWriter, blocks
from isang.distributed.engine import peak_mib
from isang.logs.account import LineCounts
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.line_index import LineIndex
from isang.logs.input.sources import Source
from isang.logs.input.spans import Span, read_span
from isang.logs.line_counts import counted
from isang.logs.parsing.digit_cache import ChunkReader, ParsedChunk, Search
from isang.logs.parsing.records import SourceLayout
from isang.logs.parsing.timeline import RecordTimeline
from isang.logs.prepare import all_records, keyed_records
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.event_table import DistinctMessages, distinct_messages

EARLIER = -(2**63) + 1
"""Placeholder for the time of records of a span before the first known time."""
RUN_BYTES = 32 << 20
"""Approximate size of the records that are distributed to partitions at once."""
_TEXTS, _EXAMPLES = 0, 1


@dataclass(frozen=True)
class Unit:
    """A part of the logs that one task reads: a file, or a span of one."""

    number: int
    source: Source
    layout: SourceLayout
    span: Span | None = None
    encoding: str | None = None
    """Encoding of the file, if known."""


@dataclass(frozen=True)
class ReadingRules:
    """The settings shared by all units."""

    masks: str
    rule: SessionRule
    max_line_bytes: int
    partitions: int
    spool: Path
    """The folder that all machines see."""

    def messages(self, unit: int) -> Path:
        """The file with the distinct messages of a unit."""
        return self.spool / f"messages-{unit}"

    def numbers(self, unit: int) -> Path:
        """The file with the numbers assigned to these messages."""
        return self.spool / f"numbers-{unit}.npy"

    def records(self, unit: int) -> Path:
        """The file with the records of a unit by partition; `message` is the index of a message in `messages`."""
        return self.spool / f"records-{unit}"

    def over_time(self, unit: int) -> Path:
        """The file with the lines of a unit over time, see line_counts.py; `message` as in `records`."""
        return self.spool / f"over-time-{unit}"

    def sessions(self, partition: int) -> Path:
        """The file with the sessions of a partition."""
        return self.spool / f"sessions-{partition}"


class KnownIndex(LineIndex):
    """The line index of a log that another process read."""

    def __init__(self, table: pl.DataFrame) -> None:
        super().__init__()
        self._table = table

    def table(self) -> pl.DataFrame:
        """The index as recorded."""
        return self._table


class KnownDigest(NamedTuple):
    """A digest computed by another process."""

    sha256: str

    def hexdigest(self) -> str:
        """As hashlib's."""
        return self.sha256


@dataclass(frozen=True)
class ReadUnit:
    """The task's result for a unit."""

    lines: LineCounts
    counts: ReadCounts
    heights: list[int]
    """Number of records in each chunk."""
    records: int
    """Number of rows written, one for each session of a record."""
    first_time: int | None
    """The first known time of a record, in microseconds since 1970."""
    last_time: int | None
    index: pl.DataFrame | None
    """The line index; None for a span."""
    spool_bytes: int
    peak_mib: float


def read_unit(unit: Unit, how: ReadingRules) -> ReadUnit:
    """Read a part of the logs into the files of `how`. Raises InputError that names the log that cannot be read."""
    index = LineIndex()
    counts = ReadCounts(index=index)
    lines, heights, times = LineCounts(), [], []
    reader = ChunkReader(Search(unit.layout, how.masks, how.rule.pattern))
    before = None if unit.span is None else EARLIER
    timeline, of_all = (
        RecordTimeline(unit.layout.clock, unit.layout.reference, how.spool, before=before) for _ in range(2)
    )
    stream = 0 if how.rule.joins_sources else unit.source.stream
    with (
        _Messages(how.messages(unit.number)) as messages,
        _Partitions(unit, how, stream) as records,
        BlockWriter(how.over_time(unit.number)) as over_time,
    ):
        for chunk in _chunks(unit, counts, how.max_line_bytes):
            parsed = reader.read(chunk)
            lines = lines.then(LineCounts.of(parsed))
            heights.append(parsed.records.frame.height)
            known = parsed.records.frame["time"].drop_nulls().cast(pl.Int64)
            times += [known[0], known[-1]] if known.len() else []
            message = messages.add(parsed)
            for part in timeline.add(keyed_records(parsed, message)):
                records.add(part)
            for part in of_all.add(all_records(parsed, message)):
                over_time.append(0, counted(part, unit.source.index))
        for part in timeline.finish():
            records.add(part)
        for part in of_all.finish():
            over_time.append(0, counted(part, unit.source.index))
    return ReadUnit(
        lines, replace(counts, digest=KnownDigest(counts.digest.hexdigest()), index=None), heights, records.height,
        times[0] if times else None, times[-1] if times else None,
        index.table() if unit.span is None else None, records.bytes, peak_mib(),
    )  # fmt: skip


def _chunks(unit: Unit, counts: ReadCounts, max_line_bytes: int) -> Iterator[Chunk]:
    if unit.span is None:
        yield from read_chunks(unit.source, counts, max_line_bytes=max_line_bytes)
    else:
        counts.encoding = unit.encoding or counts.encoding
        yield from read_span(unit.source.path, unit.span, counts, max_line_bytes=max_line_bytes)


class _Messages(BlockWriter):
    """Writes the distinct messages of each chunk."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._before = 0

    def add(self, parsed: ParsedChunk) -> pl.Series:
        """The message of each record of a chunk (u32, its index among all written messages)."""
        found, row_of = distinct_messages(parsed.masked, parsed.records.frame["level"])
        texts = pl.DataFrame({"text": found.texts, "lines": found.lines, "first": found.first, "last": found.last})
        self.append(_TEXTS, texts)
        examples = parsed.examples.select(
            row_of.gather(parsed.examples["row"]).alias("text"), "even", "line", "message", "fields"
        )
        self.append(_EXAMPLES, examples)
        rows = row_of + self._before
        self._before += texts.height
        return rows.alias("message")


def messages_of(path: Path, heights: list[int]) -> Iterator[tuple[DistinctMessages, pl.DataFrame]]:
    """The distinct messages of each chunk of a unit, and its examples, with `text` (index among them) for `row`."""
    for texts, examples, height in zip(blocks(path, _TEXTS), blocks(path, _EXAMPLES), heights, strict=True):
        lines, first, last = (texts[name].to_numpy() for name in ("lines", "first", "last"))
        yield DistinctMessages(texts["text"], lines, first, last, height), examples


class _Partitions(BlockWriter):
    """Writes records by the partition of their session."""

    def __init__(self, unit: Unit, how: ReadingRules, stream: int) -> None:
        super().__init__(how.records(unit.number))
        width = min(2**64 // how.partitions + 1, 2**64 - 1)
        of_key = (
            (pl.col("number") // width).clip(0, how.partitions - 1)
            if how.rule.kind == "key"
            else pl.lit(stream % how.partitions)
        )
        self._partition = of_key.cast(pl.Int64).alias("partition")
        self._places = {
            "source": pl.lit(unit.source.index, dtype=pl.Int32), "stream": pl.lit(stream, dtype=pl.Int32)
        }  # fmt: skip
        self._waiting: list[pl.DataFrame] = []
        self._waiting_bytes = self.height = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._share_out()
        super().__exit__(kind, error, trace)

    def add(self, records: pl.DataFrame) -> None:
        """Add records."""
        self.height += records.height
        self._waiting.append(records)
        self._waiting_bytes += int(records.estimated_size())
        if self._waiting_bytes >= RUN_BYTES:
            self._share_out()

    def _share_out(self) -> None:
        if self._waiting:
            records = pl.concat(self._waiting).with_columns(self._partition, **self._places)
            for (partition,), rows in records.partition_by("partition", as_dict=True, include_key=False).items():
                self.append(int(str(partition)), rows)
        self._waiting, self._waiting_bytes = [], 0
