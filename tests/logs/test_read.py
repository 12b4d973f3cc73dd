"""Any bytes become counted lines; where the stream is split does not matter."""

import bz2
import gzip
import lzma
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from isang.errors import InputError
from isang.logs.input.chunks import ReadCounts, read_chunks
from isang.logs.input.sources import Source, find_sources

TEXT = "".join(f"2024-01-02 03:04:{n % 60:02d} INFO line {n} of the file\n" for n in range(5000))
COMPRESS = {
    ".log": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
}


def lines_of(path: Path, *, chunk_bytes: int = 8 << 20, max_line_bytes: int = 65_536) -> tuple[list[str], ReadCounts]:
    counts = ReadCounts()
    source = Source(0, path.name, path, named=True)
    chunks = read_chunks(source, counts, max_line_bytes=max_line_bytes, chunk_bytes=chunk_bytes)
    return [line for chunk in chunks for line in chunk.text.split("\n")], counts


@pytest.mark.parametrize("suffix", COMPRESS)
def test_every_compression_gives_the_same_lines(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"app{suffix}"
    path.write_bytes(COMPRESS[suffix](TEXT.encode()))
    lines, counts = lines_of(path)
    assert lines == TEXT.splitlines()
    assert (counts.lines, counts.bytes, counts.damage) == (5000, len(TEXT), None)
    assert counts.bytes_on_disk == path.stat().st_size


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".xz", ".bz2"])
def test_a_truncated_file_is_read_as_far_as_it_goes_and_said_to_be(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"app{suffix}"
    random_looking = "".join(f"{n * n * 2654435761 % 4294967291} {n * 7919 % 10007}\n" for n in range(100_000))
    content = COMPRESS[suffix](random_looking.encode())
    path.write_bytes(content[: len(content) * 9 // 10])
    lines, counts = lines_of(path)
    assert counts.damage is not None
    assert "ends too early" in counts.damage.en
    assert lines[:-1] == random_looking.splitlines()[: len(lines) - 1]
    assert len(lines) > 1000


def test_several_members_follow_each_other(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert lines_of(path)[0] == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x1f\x8b", "is the file complete"),
        (b"no gzip at all, although it is called so", "is the file complete"),
    ],
)
def test_a_file_that_is_damaged_from_the_start_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        lines_of(path)


def test_binary_files_are_named_as_such(tmp_path: Path) -> None:
    binary = tmp_path / "core"
    binary.write_bytes(bytes(range(256)) * 100)
    with pytest.raises(InputError, match="binary, not log text"):
        lines_of(binary)


def test_line_ends_byte_order_mark_and_nul_bytes(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\nnul\0byte, and a long enough rest of the line\r\nlast")
    assert lines_of(path)[0] == ["one", "two", "nul byte, and a long enough rest of the line", "last"]


def test_bytes_that_are_not_utf8_are_replaced_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"good\nb\xffd \xfe\ngood\n\xc3\n")
    lines, counts = lines_of(path)
    assert lines == ["good", "b�d �", "good", "�"]
    assert counts.undecodable_lines == 2


def test_long_lines_are_cut_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"short\n" + b"x" * 1000 + b"\nshort\n" + b"y" * 5000)
    for chunk_bytes in (1, 300, 1 << 20):
        lines, counts = lines_of(path, max_line_bytes=300, chunk_bytes=chunk_bytes)
        assert lines == ["short", "x" * 300, "short", "y" * 300]
        assert counts.cut_lines == 2


@given(
    content=st.lists(st.sampled_from([b"a", b"\xc3\xa9", b"\xff", b"\n", b"\r\n", b" "]), max_size=60).map(b"".join),
    chunk_bytes=st.integers(1, 20),
)
def test_where_the_stream_is_split_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, chunk_bytes: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "split.log"
    path.write_bytes(content)
    lines, counts = lines_of(path, chunk_bytes=chunk_bytes)
    whole, counts_of_whole = lines_of(path)
    assert lines == whole
    assert counts == counts_of_whole
    assert (
        counts.lines == counts_of_whole.lines == content.count(b"\n") + (not content.endswith(b"\n") and content != b"")
    )


def test_rotated_sets_come_in_the_order_of_their_time(tmp_path: Path) -> None:
    for name in (
        "app.log",
        "app.log.1",
        "app.log.2.gz",
        "app.log.10.gz",
        "db.log",
        "db.log-20240102",
        "db.log-20240101",
        "web.log",
        "web.2024-01-02.log",
        "web.2024-01-01.1.log.gz",
        "web.2024-01-01.0.log.gz",
        "worker-1.log",
        "worker-2.log",
    ):
        (tmp_path / name).write_bytes(b"line\n")
    sources = find_sources([str(tmp_path)])
    assert [source.name for source in sources] == [
        "app.log.10.gz", "app.log.2.gz", "app.log.1", "app.log", "db.log-20240101", "db.log-20240102", "db.log",
        "web.2024-01-01.0.log.gz", "web.2024-01-01.1.log.gz", "web.2024-01-02.log", "web.log",
        "worker-1.log", "worker-2.log",
    ]  # fmt: skip
    assert [source.stream for source in sources] == [0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2, 3, 4]


def test_folders_leave_out_what_is_no_log(tmp_path: Path) -> None:
    for name in ("a.log", "labels.csv", ".hidden", "README.md", "sub/b.log.zst", "sub/picture.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"line\n")
    assert [source.name for source in find_sources([str(tmp_path)])] == ["a.log", "sub/b.log.zst"]
    assert [source.name for source in find_sources([str(tmp_path / "*.csv")])] == ["labels.csv"]


def test_paths_without_logs_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        find_sources([str(tmp_path / "absent.log")])
    with pytest.raises(InputError, match="nothing matches"):
        find_sources([str(tmp_path / "*.log")])
    with pytest.raises(InputError, match="holds no logs"):
        find_sources([str(tmp_path)])


SENTENCES = {
    "cp949": "2026-05-06 10:00:00 정보 주문 처리 완료, 재고를 다시 확인합니다",
    "cp932": "2026-05-06 10:00:00 エラー データベースに接続できません",
    "euc_jp": "2026-05-06 10:00:00 警告 ファイルの読み込みに失敗しました",
    "gb18030": "2026-05-06 10:00:00 错误 数据库连接失败，正在重试",
    "latin-1": "2026-05-06 10:00:00 WARNUNG Datei für Müller nicht gefunden, prüfen",
    "cp1251": "2026-05-06 10:00:00 ошибка подключения к базе данных",
    "utf-16": "2026-05-06 10:00:00 주문 처리 완료",
    "utf-16-le": "2026-05-06 10:00:00 INFO order stored",
}


@pytest.mark.parametrize("encoding", SENTENCES)
@pytest.mark.parametrize("chunk_bytes", [7, 1 << 20])
def test_encodings_are_told_by_the_bytes(tmp_path: Path, encoding: str, chunk_bytes: int) -> None:
    lines = [SENTENCES[encoding], "plain", SENTENCES[encoding]] * 3
    path = tmp_path / "app.log"
    path.write_bytes("\r\n".join([*lines, ""]).encode(encoding))
    read, counts = lines_of(path, chunk_bytes=chunk_bytes)
    assert read == lines
    assert (counts.encoding, counts.undecodable_lines) == (encoding, 0)


def test_zero_bytes_at_the_head_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    for chunk_bytes in (3, 1 << 20):
        path.write_bytes(b"\0" * 5000 + b"one\ntwo\n")
        lines, counts = lines_of(path, chunk_bytes=chunk_bytes)
        assert (lines, counts.leading_nuls) == (["one", "two"], 5000)
