"""The bytes of a run log: plain or compressed, read in blocks of bounded size."""

import bz2
import codecs
import gzip
import io
import lzma
import re
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any, cast

import zstandard

from isang.errors import InputError
from isang.progress import Progress

BLOCK_BYTES = 2 << 20
"""Text is worked on in blocks of about this size, so that memory does not grow with the file."""
HEAD_BYTES = 1 << 16
"""This much of the (decompressed) beginning is shown to the readers for recognition."""
PACKED_BYTES = 1 << 10
"""Bytes of a zstandard file decompressed at a time: a malicious one expands them to 32 MB at most."""
MAX_LINE_BYTES = 1 << 16
"""Longer lines are not read as data; they are counted."""
STANDARD_INPUT = "standard input"
"""What it is called in reports and messages."""
MAX_DOCUMENT_BYTES = 256 << 20
"""Formats that must be held as a whole (one JSON document) are refused beyond this size."""

_MAGIC = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstandard", b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2"}
_BACKSPACES = re.compile(rb"\x08{8,}")
_BROKEN = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, gzip.BadGzipFile)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The decompressed content of `path` as a stream. Raises InputError where it cannot be read or is cut off.

    Reading that takes long shows how far it has come.
    """
    try:
        with (
            path.open("rb") as raw,
            Progress(f"reading {path.name}", total=path.stat().st_size / 1e6, unit="MB") as progress,
        ):
            kind = _compression(raw.read(6))
            raw.seek(0)
            yield _in_utf_8(_decompressed(cast(IO[bytes], _Watched(raw, progress)), kind))
    except _BROKEN as error:
        raise InputError(
            f"{path} is a damaged or cut-off archive ({error}); copy it again or unpack it first"
        ) from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


class _Watched(io.RawIOBase):
    """A file whose reading is shown as progress."""

    def __init__(self, raw: IO[bytes], progress: Progress) -> None:
        self._raw, self._progress = raw, progress

    def read(self, size: int = -1) -> bytes:
        piece = self._raw.read(size)
        self._progress.advance(len(piece) / 1e6)
        return piece

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, place: int, whence: int = io.SEEK_SET) -> int:
        return self._raw.seek(place, whence)

    def tell(self) -> int:
        return self._raw.tell()


class _Continued(io.RawIOBase):
    """A stream whose first bytes have been read already, perhaps from UTF-16 to UTF-8."""

    def __init__(self, start: bytes, rest: IO[bytes], decoder: codecs.IncrementalDecoder | None) -> None:
        self._ready, self._rest, self._decoder = start, rest, decoder

    def read(self, size: int = -1) -> bytes:
        """Some of the content; empty only at its end."""
        while not self._ready and (piece := self._rest.read(BLOCK_BYTES if size < 0 else size)):
            self._ready = self._decoder.decode(piece).encode("utf-8", "replace") if self._decoder else piece
        end = len(self._ready) if size < 0 else size
        piece, self._ready = self._ready[:end], self._ready[end:]
        return piece


def _in_utf_8(stream: IO[bytes]) -> IO[bytes]:
    """The same text; what Windows' shell writes with `>` is UTF-16 with a byte order mark."""
    start = _read_fully(stream, 2)
    if start not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return cast(IO[bytes], _Continued(start, stream, None))
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    decoder.decode(start)
    return cast(IO[bytes], _Continued(b"", stream, decoder))


class _Zstandard:
    """Decompressed content of one frame after another. Raises ZstdError where the last frame has no end."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._open = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj
        self._frame = self._open()
        self._begun = False
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        """Some of the content, at most `size` bytes; empty only at its end."""
        while not self._ready and (packed := self._raw.read(PACKED_BYTES)):
            self._ready = self._decompressed(packed)
        if not self._ready and self._begun and size != 0:
            raise zstandard.ZstdError("its last frame has no end")
        end = len(self._ready) if size < 0 else size
        piece, self._ready = self._ready[:end], self._ready[end:]
        return piece

    def _decompressed(self, packed: bytes) -> bytes:
        pieces = []
        while packed:
            pieces.append(self._frame.decompress(packed))
            self._begun, packed = not self._frame.eof, b""
            if self._frame.eof:
                packed, self._frame = self._frame.unused_data, self._open()
        return b"".join(pieces)


def head_of(path: Path) -> bytes:
    """The first bytes of the content, at most HEAD_BYTES."""
    with opened(path) as stream:
        return _read_fully(stream, HEAD_BYTES)


def document(path: Path) -> bytes:
    """The whole content, for formats that are one document. Raises InputError beyond MAX_DOCUMENT_BYTES."""
    with opened(path) as stream:
        content = _read_fully(stream, MAX_DOCUMENT_BYTES + 1)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise InputError(f"{path} is one document of more than {MAX_DOCUMENT_BYTES >> 20} MiB, which is not read")
    return content


@contextmanager
def standard_input() -> Iterator[Path]:
    """What comes on standard input, as a file for as long as it is read. Errors name no file but standard input."""
    with TemporaryDirectory() as folder:
        path = Path(folder, STANDARD_INPUT)
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, BLOCK_BYTES)
        try:
            yield path
        except InputError as error:
            raise InputError(str(error).replace(str(path), STANDARD_INPUT)) from None


@dataclass
class LineBlocks:
    """Iterates over blocks of whole lines; `\\r\\n`, `\\r` and `\\n` each end one line. Counts what it passed over."""

    path: Path
    lines: int = 0
    too_long: int = 0
    size_bytes: int = 0
    _rest: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[list[bytes]]:
        """Lists of lines without their ends. A line over MAX_LINE_BYTES comes as an empty line and is counted."""
        with opened(self.path) as stream:
            while block := _read_fully(stream, BLOCK_BYTES):
                self.size_bytes += len(block)
                yield from self._whole_lines(block)
        rest = b"".join(self._rest)
        self._rest = []
        if rest:
            yield self._counted(_unified(rest).removesuffix(b"\n").split(b"\n"))

    def _whole_lines(self, block: bytes) -> Iterator[list[bytes]]:
        end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, len(block) - 1)) + 1
        if not end:  # no line ends in this block: keep only enough of it to know that the line is too long
            if sum(map(len, self._rest)) <= MAX_LINE_BYTES:
                self._rest.append(block)
            return
        text = b"".join([*self._rest, block[:end]])
        self._rest = [block[end:]]
        yield self._counted(_unified(text).removesuffix(b"\n").split(b"\n"))

    def _counted(self, lines: list[bytes]) -> list[bytes]:
        self.lines += len(lines)
        if max(map(len, lines)) > MAX_LINE_BYTES:
            self.too_long += sum(len(line) > MAX_LINE_BYTES for line in lines)
            return [line if len(line) <= MAX_LINE_BYTES else b"" for line in lines]
        return lines


def _unified(text: bytes) -> bytes:
    if b"\b" in text:  # a progress bar that goes back to its start
        text = _BACKSPACES.sub(b"\n", text)
    if b"\r" not in text:
        return text
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _compression(start: bytes) -> str:
    return next((name for magic, name in _MAGIC.items() if start.startswith(magic)), "none")


def _decompressed(raw: IO[bytes], kind: str) -> IO[bytes]:
    if kind == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if kind == "zstandard":
        return cast(IO[bytes], _Zstandard(raw))
    if kind == "xz":
        return lzma.LZMAFile(raw)
    if kind == "bzip2":
        return bz2.BZ2File(raw)
    return raw


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    """`size` bytes, fewer only at the end of the content (a decompressor may return short reads)."""
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
