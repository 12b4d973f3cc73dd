"""Parts of a file give the chunks that the whole file gives."""

from pathlib import Path

import pytest

from isang.logs.input import spans
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.encodings import encoding_of
from isang.logs.input.sources import Source
from isang.logs.input.spans import read_span, scan

LIMIT = 40


def whole(path: Path) -> tuple[list[Chunk], ReadCounts]:
    counts = ReadCounts()
    source = Source(0, path.name, path, named=True)
    return list(read_chunks(source, counts, max_line_bytes=LIMIT, chunk_bytes=64)), counts


def in_parts(path: Path, span_bytes: int) -> tuple[list[Chunk], ReadCounts]:
    found, total = [], ReadCounts()
    for span in scan(path, span_bytes).spans(span_bytes):
        counts = ReadCounts(encoding=encoding_of(path))
        found += read_span(path, span, counts, max_line_bytes=LIMIT)
        total.lines += counts.lines
        total.bytes += counts.bytes
        total.cut_lines += counts.cut_lines
        total.undecodable_lines += counts.undecodable_lines
    return found, total


@pytest.mark.parametrize(
    "content",
    [
        b"".join(b"line %d with some words\n" % n for n in range(40)),
        b"one\r\ntwo\r\n" * 30 + b"no line end",
        b"short\n" + b"x" * 300 + b"\nbehind a long line\n" + b"y" * 41 + b"\n" * 70,
        b"x" * 400,
        "가나다 라마바\n".encode() * 20 + b"\xff\xfe broken\n" * 9,
        b"\n" * 130,
        b"z" * 39 + b"\n" + b"z" * 40 + b"\n" + b"z" * 41 + b"\n" + b"end\n" * 40,
    ],
    ids=["lines", "crlf", "long", "one line", "bytes", "empty lines", "at the limit"],
)
@pytest.mark.parametrize("span_bytes", [64, 128])
def test_parts_give_the_chunks_of_the_whole(
    content: bytes, span_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "CHUNK_BYTES", 64)
    monkeypatch.setattr(spans, "_HASH_BYTES", 64)
    monkeypatch.setattr("isang.compression._PLAIN_BYTES", 64)
    path = tmp_path / "app.log"
    path.write_bytes(content)
    expected, counts = whole(path)
    found, total = in_parts(path, span_bytes)
    assert found == expected
    assert (total.lines, total.bytes, total.cut_lines, total.undecodable_lines) == (
        counts.lines, counts.bytes, counts.cut_lines, counts.undecodable_lines,
    )  # fmt: skip
    assert scan(path, span_bytes).sha256 == counts.digest.hexdigest()
