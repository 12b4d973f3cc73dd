"""An index of line positions in a log, so that single lines can be read again without the rest."""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl

from isang.compression import COMPRESSED, DAMAGED
from isang.errors import InputError
from isang.files import open_regular
from isang.logs.input.chunks import Chunk, ReadCounts, lines_of, stream_of
from isang.logs.input.encodings import is_wide
from isang.logs.input.sources import Source

BLOCK_BYTES = 16 << 10
"""Lines are found again in blocks of whole lines of at least this size."""
MOST_BLOCK_BYTES = 64 << 20
"""A line that makes a block longer than this is not read again."""
INDEX_SCHEMA = pl.Schema({"line": pl.UInt32(), "offset": pl.Int64(), "bytes": pl.Int64(), "crc32": pl.UInt32()})
"""Blocks of a log: the number of their first line, their place in the decompressed text without the zero bytes at its
head, and their checksum."""


class LineIndex:
    """Records the positions of the lines of a log while it is read."""

    def __init__(self) -> None:
        self._blocks: list[tuple[int, int, int, int]] = []
        self._line, self._offset = 1, 0
        self._size = self._lines = self._crc = 0  # of the block that has begun

    def watched(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The same bytes of the log, in any blocks."""
        for block in blocks:
            self._add(block)
            yield block

    def table(self) -> pl.DataFrame:
        """INDEX_SCHEMA, of what has been read."""
        begun = [(self._line, self._offset, self._size, self._crc)] if self._size else []
        return pl.DataFrame([*self._blocks, *begun], schema=INDEX_SCHEMA, orient="row")

    def _add(self, block: bytes) -> None:
        start, view = 0, memoryview(block)
        while start < len(block):
            end = block.find(b"\n", start + max(0, BLOCK_BYTES - self._size - 1)) + 1 or len(block)
            self._size += end - start
            self._lines += block.count(b"\n", start, end)
            self._crc = zlib.crc32(view[start:end], self._crc)
            if self._size >= BLOCK_BYTES and block[end - 1] == 10:  # \n
                self._blocks.append((self._line, self._offset, self._size, self._crc))
                self._line, self._offset = self._line + self._lines, self._offset + self._size
                self._size = self._lines = self._crc = 0
            start = end


class ChangedLogError(InputError):
    """A log is no longer what it was when its lines were indexed."""


class IndexedLog(AbstractContextManager["IndexedLog"]):
    """A log whose blocks of lines can be read again, in ascending order, as a context manager.

    In compressed logs, and in encodings such as UTF-16, everything before a block is decompressed on the way.
    """

    def __init__(
        self, source: Source, index: pl.DataFrame, encoding: str, leading_nuls: int, *, max_line_bytes: int
    ) -> None:
        self._source, self._index, self._max_line_bytes = source, index, max_line_bytes
        self._counts, self._skipped = ReadCounts(encoding=encoding), leading_nuls
        self._first = index["line"].to_numpy()
        self._seekable = source.path.suffix.lower() not in COMPRESSED and not is_wide(encoding)
        self._open = ExitStack()
        self._last: tuple[int, str] = (-1, "")  # the number of the block that was read last, and its last line
        self._rest, self._at = b"", 0  # of a log that is read through: what was read ahead, and where it begins

    def __len__(self) -> int:
        return len(self._first)

    def __enter__(self) -> Self:
        try:
            self._file = self._open.enter_context(open_regular(self._source.path))
        except InputError as error:
            raise ChangedLogError("can no longer be read") from error
        if not self._seekable:
            self._stream = self._open.enter_context(closing(stream_of(self._source, self._counts)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def block_of(self, line: int) -> int:
        """The number of the block with this line."""
        if not len(self._first) or line < self._first[0]:
            raise ChangedLogError("has changed since it was prepared")
        return int(np.searchsorted(self._first, line, side="right")) - 1

    def chunk(self, number: int, *, line_before: bool) -> Chunk:
        """The lines of a block; `line_before`: what they mean depends on the line before them.

        Raises ChangedLogError where the log has other bytes there than it had.
        """
        if number and line_before and self._last[0] != number - 1:
            self._read(number - 1)
        before = self._last[1] if number and self._last[0] == number - 1 else None
        return Chunk(self._read(number), int(self._first[number]), before)

    def _read(self, number: int) -> str:
        _, offset, size, crc = self._index.row(number)
        try:
            block = self._bytes(offset, size) if offset >= 0 and 0 < size <= MOST_BLOCK_BYTES else b""
        except (*DAMAGED, InputError) as error:
            raise ChangedLogError("can no longer be read") from error
        if len(block) != size or zlib.crc32(block) != crc:
            raise ChangedLogError("has changed since it was prepared")
        lines = block.removeprefix(b"\xef\xbb\xbf") if not number else block
        text = lines_of(lines.removesuffix(b"\n"), self._counts, max_line_bytes=self._max_line_bytes)
        self._last = number, text[text.rfind("\n") + 1 :]
        return text

    def _bytes(self, offset: int, size: int) -> bytes:
        if self._seekable:
            self._file.seek(self._skipped + offset)
            return self._file.read(size)
        while self._at + len(self._rest) < offset + size:
            passed = max(0, min(offset - self._at, len(self._rest)))
            self._rest, self._at = self._rest[passed:], self._at + passed
            block = next(self._stream, None)
            if block is None:
                break
            self._rest += block
        found = self._rest[offset - self._at : offset - self._at + size]
        self._rest, self._at = self._rest[offset - self._at + size :], offset + size
        return found
