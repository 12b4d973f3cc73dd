"""Compressed files to blocks of plain bytes of bounded size, whatever the file claims to hold."""

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

import zstandard

COMPRESSED = (".gz", ".zst", ".xz", ".bz2")
"""Suffixes of files that are decompressed while being read."""

DAMAGED = (EOFError, OSError, ValueError, lzma.LZMAError, zlib.error, zstandard.ZstdError)
"""What a damaged or truncated compressed file raises."""

_PIECE_BYTES = 4096  # small, because a piece may expand to ten thousand times its size
_PLAIN_BYTES = 1 << 20
_GZIP = type(zlib.decompressobj())
_XZ_MEMORY_BYTES = 256 << 20


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...


def plain_blocks(file: IO[bytes], path: Path, digest: Any) -> Iterator[bytes]:
    """The decompressed content of `file`, in blocks; `digest` (hashlib) is updated with the compressed bytes.

    Raises one of DAMAGED if the content breaks off, after yielding everything that could be read.
    """
    suffix = path.suffix.lower()
    if suffix not in COMPRESSED:
        while block := file.read(_PLAIN_BYTES):
            digest.update(block)
            yield block
        return
    new = _DECOMPRESSORS[suffix]
    decompressor = new()
    started = False
    while piece := file.read(_PIECE_BYTES):
        digest.update(piece)
        while piece:
            if decompressor.eof:  # several members may follow each other
                decompressor = new()
            started = True
            yield from _unfolded(decompressor, piece)
            piece = decompressor.unused_data.lstrip(b"\0") if decompressor.eof else b""
    if started and not decompressor.eof:
        raise EOFError("the file ends too early")


def _unfolded(decompressor: Any, piece: bytes) -> Iterator[bytes]:
    """The content of `piece`, in blocks of at most _PLAIN_BYTES; a piece of zstandard expands to at most 128 MB."""
    if hasattr(decompressor, "needs_input"):  # bz2 and xz, of which 4 KB can hold gigabytes
        yield decompressor.decompress(piece, _PLAIN_BYTES)
        while not (decompressor.eof or decompressor.needs_input):
            yield decompressor.decompress(b"", _PLAIN_BYTES)
    elif isinstance(decompressor, _GZIP):
        yield decompressor.decompress(piece, _PLAIN_BYTES)
        while decompressor.unconsumed_tail and not decompressor.eof:
            yield decompressor.decompress(decompressor.unconsumed_tail, _PLAIN_BYTES)
    else:
        yield decompressor.decompress(piece)


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    ".gz": lambda: zlib.decompressobj(wbits=31),
    ".zst": lambda: zstandard.ZstdDecompressor().decompressobj(),
    ".xz": lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES),
    ".bz2": bz2.BZ2Decompressor,
}
