"""Parts of a large log that can be read apart from each other, in the chunks that reading it whole gives."""

import codecs
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl

from isang.compression import COMPRESSED
from isang.files import open_regular
from isang.logs.input.chunks import CHUNK_BYTES, Chunk, ReadCounts, checked_text, chunks_of, lines_of, whole_lines
from isang.logs.input.encodings import is_wide
from isang.logs.input.line_index import LineIndex

_BACK_BYTES = 64 << 10
_HASH_BYTES = 1 << 20


class Span(NamedTuple):
    """The lines of a file that end within some of its bytes."""

    start: int
    """A multiple of CHUNK_BYTES."""
    stop: int
    """Where the next span starts, or the end of the file."""
    first_line: int
    """Number of the first line, counted from 1."""
    last: bool
    """Whether it is the last span."""


class Scan(NamedTuple):
    """Facts about a file from its bytes, without reading its lines."""

    sha256: str
    size: int
    line_index: pl.DataFrame
    """Where its lines lie, INDEX_SCHEMA."""
    lines_before: list[int]
    """How many lines end before each multiple of the span size."""

    def spans(self, span_bytes: int) -> list[Span]:
        """The parts of the file; `span_bytes` as it was scanned with."""
        starts = range(0, max(1, self.size), span_bytes)
        return [
            Span(start, min(start + span_bytes, self.size), before + 1, start + span_bytes >= self.size)
            for start, before in zip(starts, self.lines_before, strict=False)
        ]


def divisible(path: Path, encoding: str) -> bool:
    """Whether the lines of a file can be found from anywhere in it."""
    if path.suffix.lower() in COMPRESSED or is_wide(encoding):
        return False
    with open_regular(path) as file:
        return file.read(1) != b"\0"  # zero bytes at the head are left out


def scan(path: Path, span_bytes: int) -> Scan:
    """Look at all bytes of a file once; `span_bytes` is a multiple of CHUNK_BYTES."""
    digest, index, lines, before, at = hashlib.sha256(), LineIndex(), 0, [0], 0
    with open_regular(path) as file:
        for block in index.watched(iter(partial(file.read, _HASH_BYTES), b"")):
            digest.update(block)
            lines += block.count(b"\n")
            at += len(block)
            if at % span_bytes == 0:
                before.append(lines)
    return Scan(digest.hexdigest(), at, index.table(), before)


def read_span(path: Path, span: Span, counts: ReadCounts, *, max_line_bytes: int) -> Iterator[Chunk]:
    """The chunks of a span, as `read_chunks` gives them of the whole file; `counts` is filled on the way.

    `counts.encoding` is that of the file. Raises InputError where the file cannot be read or is binary.
    """
    with open_regular(path) as file:
        begins = _line_begin(file, span.start)
        begun, previous = _between(file, begins, span.start, max_line_bytes), None
        if begins:
            line = _between(file, _line_begin(file, begins - 1), begins - 1, max_line_bytes)
            previous = lines_of(line, ReadCounts(encoding=counts.encoding), max_line_bytes=max_line_bytes)
        blocks = _blocks(file, path, span, counts)
        lines = whole_lines(blocks, counts, max_line_bytes, begun=begun, to_the_end=span.last)
        yield from chunks_of(lines, counts, first_line=span.first_line, previous=previous)


def _blocks(file: BinaryIO, path: Path, span: Span, counts: ReadCounts) -> Iterator[bytes]:
    file.seek(span.start)
    for start in range(span.start, span.stop, CHUNK_BYTES):
        block = file.read(min(CHUNK_BYTES, span.stop - start))
        counts.bytes += len(block)
        counts.bytes_on_disk = counts.bytes
        yield checked_text(block, path) if start == 0 else block


def _line_begin(file: BinaryIO, place: int) -> int:
    """The start of the line that contains a position."""
    while place > 0:
        start = max(0, place - _BACK_BYTES)
        file.seek(start)
        end = file.read(place - start).rfind(b"\n")
        if end >= 0:
            return start + end + 1
        place = start
    return 0


def _between(file: BinaryIO, start: int, stop: int, max_line_bytes: int) -> bytes:
    """A part of a line, at most one byte more than the limit."""
    file.seek(start)
    part = file.read(min(stop - start, max_line_bytes + 1))
    return part.removeprefix(codecs.BOM_UTF8) if start == 0 else part
