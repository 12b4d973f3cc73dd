"""Lines from the middle and the end of a file, beside those that were read from its beginning."""

import polars as pl

from isang.compression import COMPRESSED
from isang.logs.input.chunks import Chunk
from isang.logs.input.encodings import is_wide
from isang.logs.input.sources import Source

_PIECE_BYTES = 1 << 16


def far_lines(source: Source, beginning: Chunk, encoding: str) -> tuple[list[str], list[str]]:
    """Complete lines from the middle and from the end of a file that continues after its `beginning`.

    Empty for compressed files, which cannot be read from the middle, and for short ones.
    """
    size = source.state().st_size
    if source.path.suffix.lower() in COMPRESSED or is_wide(encoding) or size < len(beginning.text) + 4 * _PIECE_BYTES:
        return [], []
    pieces = []
    try:
        with source.path.open("rb") as file:
            for place in (size // 2, size - _PIECE_BYTES):
                file.seek(place)
                pieces.append(file.read(_PIECE_BYTES))
    except OSError:
        return [], []
    middle, end = (
        piece.replace(b"\r\n", b"\n").replace(b"\0", b" ").decode(encoding, errors="replace").split("\n")[1:-1]
        for piece in pieces
    )
    return middle, end


def spread(lines: pl.Series, far: tuple[list[str], list[str]], count: int) -> pl.Series:
    """At most `count` of a file's lines: successive ones of its beginning, its middle and its end."""
    if lines.len() <= count and not any(far):
        return lines
    part = count // 3
    middle = (lines.len() - part) // 2
    pieces = (far[0][:part], far[1][-part:]) if any(far) else (lines[middle : middle + part], lines.tail(part))
    return pl.concat([lines.head(count - 2 * part), *(pl.Series(piece, dtype=pl.String) for piece in pieces)])
