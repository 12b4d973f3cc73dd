"""Files to chunks of whole lines, with bounded memory and every loss counted."""

import codecs
import hashlib
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from isang.compression import DAMAGED, plain_blocks
from isang.errors import InputError
from isang.languages import Both
from isang.logs.input.encodings import UTF_8, as_utf_8, encoding_of, guessed, is_wide
from isang.logs.input.sources import Source

CHUNK_BYTES = 4 << 20
"""Bytes of decompressed text that are worked on at a time."""
_BINARY_SAMPLE_BYTES = 65_536
_BINARY_SHARE = 0.1
_CONTROL_BYTES = bytes(sorted(set(range(32)) - set(b"\t\n\r\f\x1b")))


@dataclass(frozen=True)
class Chunk:
    """Consecutive whole lines of one source, without their line ends."""

    text: str
    """The lines, joined by newlines; there is no newline after the last."""
    first_line: int
    """Number of the first line, counted from 1."""
    previous_line: str | None
    """The line before the first; None at the start of the source."""


class Watcher(Protocol):
    """Sees the bytes of a log on their way."""

    def watched(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The same blocks."""


@dataclass
class ReadCounts:
    """What reading one source met."""

    bytes: int = 0
    """Decompressed bytes."""
    lines: int = 0
    cut_lines: int = 0
    """Lines longer than the limit, cut there."""
    undecodable_lines: int = 0
    """Lines with bytes that are not of the encoding; these bytes became U+FFFD."""
    encoding: str = UTF_8
    """Lines that are not UTF-8 are of this encoding."""
    leading_nuls: int = 0
    """Zero bytes at the head, which were skipped: a log that was emptied while its writer went on where it was."""
    damage: Both | None = None
    """Why reading ended before the end of the file."""
    bytes_on_disk: int = 0
    """Bytes read of the file on disk, which may be compressed."""
    digest: Any = field(default_factory=hashlib.sha256, repr=False, compare=False)
    """sha256 of the bytes read of the file on disk."""
    index: "Watcher | None" = field(default=None, repr=False, compare=False)
    """Sees all bytes that are read."""


def read_chunks(
    source: Source, counts: ReadCounts, *, max_line_bytes: int, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Chunk]:
    """The lines of a source in chunks of about `chunk_bytes`; `counts` is filled on the way.

    A compressed file that breaks off is read as far as it goes and `counts.damage` says so. Raises InputError for a
    file that cannot be opened, is binary, or is damaged from the start.
    """
    counts.encoding = source.encoding or encoding_of(source.path)
    yield from chunks_of(whole_lines(_blocks(source, counts, chunk_bytes), counts, max_line_bytes), counts)


def chunks_of(
    blocks: Iterable[bytes], counts: ReadCounts, *, first_line: int = 1, previous: str | None = None
) -> Iterator[Chunk]:
    """Blocks of whole lines as chunks; `first_line` and `previous` are those of the first one."""
    for block in blocks:
        text = _decoded(block, counts)
        number = text.count("\n") + 1
        counts.lines += number
        yield Chunk(text, first_line, previous)
        first_line += number
        previous = text[text.rfind("\n") + 1 :]


def whole_lines(
    blocks: Iterable[bytes], counts: ReadCounts, max_line_bytes: int, *, begun: bytes = b"", to_the_end: bool = True
) -> Iterator[bytes]:
    """Blocks of whole lines, none longer than the limit, without the newline of the last.

    `begun` is the beginning of a line before the first block; one byte more than the limit if the line is longer.
    Unless the blocks go `to_the_end` of the log, a line that does not end in them is left out.
    """
    rest = begun  # the beginning of a line that the next block completes
    skipping = len(begun) > max_line_bytes  # inside a line that was cut already
    for block in blocks:
        if skipping:
            end = block.find(b"\n")
            if end < 0:
                continue
            block, skipping = block[end:], False
        block = rest + block
        end = block.rfind(b"\n")
        rest = block[end + 1 :]
        if len(rest) > max_line_bytes:
            rest, skipping = rest[: max_line_bytes + 1], True  # one byte too many, so that it is counted as cut
        if end >= 0:
            yield _cut_long_lines(block[:end], max_line_bytes, counts)
    if rest and to_the_end:
        yield _cut_long_lines(rest, max_line_bytes, counts)


def _blocks(source: Source, counts: ReadCounts, chunk_bytes: int) -> Iterator[bytes]:
    """Decompressed blocks of about `chunk_bytes` until the file ends or breaks off."""
    waiting: list[bytes] = []
    size = 0
    first = True
    stream = stream_of(source, counts)
    for block in stream if counts.index is None else counts.index.watched(stream):
        waiting.append(block)
        size += len(block)
        if size >= chunk_bytes:
            yield checked_text(b"".join(waiting), source.path) if first else b"".join(waiting)
            waiting, size, first = [], 0, False
    if waiting:
        yield checked_text(b"".join(waiting), source.path) if first else b"".join(waiting)


def stream_of(source: Source, counts: ReadCounts) -> Generator[bytes]:
    """The text as UTF-8 or in an encoding whose line ends are those of UTF-8, without zero bytes at the head."""
    blocks = _until_damage(source, counts)
    if is_wide(counts.encoding):
        yield from as_utf_8(blocks, counts.encoding)
        return
    head = True
    for block in blocks:
        text = block.lstrip(b"\0") if head else block
        counts.leading_nuls += len(block) - len(text)
        head = head and not text
        if text:
            yield text


def _until_damage(source: Source, counts: ReadCounts) -> Iterator[bytes]:
    try:
        file = source.path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {source.path}: {error.strerror or error}") from error
    with file:
        try:
            for block in plain_blocks(file, source.path, counts.digest):
                counts.bytes_on_disk = file.tell()
                counts.bytes += len(block)
                yield block
        except DAMAGED as error:
            reason = getattr(error, "strerror", None) or str(error)
            if counts.bytes == 0:
                raise InputError(
                    f"cannot read {source.path}: {reason}; is the file complete, and what its ending says?"
                ) from error
            counts.damage = Both(
                f"nothing could be read after {counts.bytes:,} bytes of text: {reason}",
                f"텍스트 {counts.bytes:,}바이트 뒤로는 읽을 수 없습니다: {reason}",
            )


def checked_text(block: bytes, path: Path) -> bytes:
    """The first block of a file without a byte-order mark; raises InputError if it is not text."""
    block = block.removeprefix(codecs.BOM_UTF8)
    if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(
            f"{path} is UTF-16 text, which cannot be followed; convert it first: iconv -f UTF-16 -t UTF-8 IN > OUT"
        )
    sample = block.lstrip(b"\0")[:_BINARY_SAMPLE_BYTES]
    control = len(sample) - len(sample.translate(None, _CONTROL_BYTES))
    if control > _BINARY_SHARE * len(sample):
        raise InputError(
            f"{path} is binary, not log text; decompress or export it first "
            "(read directly: plain text, .gz, .zst, .xz, .bz2)"
        )
    return block


def _cut_long_lines(block: bytes, max_line_bytes: int, counts: ReadCounts) -> bytes:
    if not _has_long_line(block, max_line_bytes):
        return block
    lines = block.split(b"\n")
    counts.cut_lines += sum(len(line) > max_line_bytes for line in lines)
    return b"\n".join(line[:max_line_bytes] for line in lines)


def _has_long_line(block: bytes, max_line_bytes: int) -> bool:
    """Jumps from line end to line end without looking at all of them."""
    start = 0
    while len(block) - start > max_line_bytes:
        end = block.rfind(b"\n", start, start + max_line_bytes + 1)
        if end < 0:
            return True
        start = end + 1
    return False


def _decoded(block: bytes, counts: ReadCounts) -> str:
    if b"\r" in block:
        block = block.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if b"\0" in block:
        block = block.replace(b"\0", b" ")
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError:
        return "\n".join(_decoded_line(line, counts) for line in block.split(b"\n"))


def _decoded_line(line: bytes, counts: ReadCounts) -> str:
    for encoding in (UTF_8, counts.encoding):
        try:
            return line.decode(encoding)
        except UnicodeDecodeError:
            continue
    text = line.decode(counts.encoding if not is_wide(counts.encoding) else UTF_8, errors="replace")
    counts.undecodable_lines += 1
    return text


def text_of(block: bytes, counts: ReadCounts, *, max_line_bytes: int) -> str:
    """Complete lines as text: too long ones are truncated, invalid UTF-8 is replaced, and both are counted."""
    if counts.encoding == UTF_8 and not block.isascii():  # until its bytes show another encoding
        counts.encoding = guessed(block[:_BINARY_SAMPLE_BYTES])
    return lines_of(block, counts, max_line_bytes=max_line_bytes)


def lines_of(block: bytes, counts: ReadCounts, *, max_line_bytes: int) -> str:
    """The same where the encoding of the log is known: that of `counts`."""
    return _decoded(_cut_long_lines(block, max_line_bytes, counts), counts)


def read_all(path: Path, *, max_bytes: int) -> bytes:
    """The whole decompressed content of a small file; raises InputError if it is missing, damaged or too large."""
    pieces, size = [], 0
    try:
        with path.open("rb") as file:
            for block in plain_blocks(file, path, hashlib.sha256()):
                size += len(block)
                if size > max_bytes:
                    raise InputError(f"{path} holds more than {max_bytes >> 20} MiB; split it")
                pieces.append(block)
    except DAMAGED as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    return b"".join(pieces).removeprefix(codecs.BOM_UTF8)
