"""Lines are found again in the logs that a dataset was made from, without reading the rest of them."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.errors import InputError
from isang.logs.input.chunks import ReadCounts, read_chunks
from isang.logs.input.line_index import IndexedLog, LineIndex
from isang.logs.input.sources import Source
from isang.logs.places import StoredLogs, open_logs
from isang.logs.prepare import prepare, prepare_folder
from tests.reads import counted_reads

PACKED: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}
LIMIT = 300


def indexed(path: Path) -> tuple[IndexedLog, list[str]]:
    """A file's blocks of lines, and its lines as reading gives them."""
    source, index = Source(0, path.name, path, named=True), LineIndex()
    counts = ReadCounts(index=index)
    text = [chunk.text for chunk in read_chunks(source, counts, max_line_bytes=LIMIT, chunk_bytes=50_000)]
    log = IndexedLog(source, index.table(), counts.encoding, counts.leading_nuls, max_line_bytes=LIMIT)
    return log, "\n".join(text).split("\n") if text else []


LINES = st.lists(
    st.tuples(st.sampled_from(["가 나", "plain", "é\r", "", "x" * 400, "a zero \x00 byte"]), st.integers(1, 2000)),
    max_size=8,
)


@given(LINES, st.sampled_from([*PACKED]), st.sampled_from([b"", b"\xef\xbb\xbf", b"\0\0\0"]), st.booleans())
def test_every_block_holds_the_lines_that_reading_gave(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[tuple[str, int]],
    ending: str,
    head: bytes,
    ends: bool,
) -> None:
    text = "\n".join(f"{number} {words}" for words, times in pieces for number in range(times))
    path = tmp_path_factory.mktemp("lines") / f"a.log{ending}"
    path.write_bytes(PACKED[ending](head + text.encode() + b"\n" * (ends and bool(text))))
    log, lines = indexed(path)
    with log:
        found = [log.chunk(number, line_before=False) for number in range(len(log))]
    assert [line for chunk in found for line in chunk.text.split("\n")] == (lines or [""] * len(found))
    for line in {1, len(lines), len(lines) // 2 + 1} if lines else ():
        block = found[log.block_of(line)]
        assert block.text.split("\n")[line - block.first_line] == lines[line - 1]


def test_utf_16_is_found_again_too(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes("\n".join(f"줄 {number}" for number in range(9_000)).encode("utf-16"))
    log, lines = indexed(tmp_path / "a.log")
    with log:
        assert len(log) > 3
        block = log.chunk(log.block_of(7_000), line_before=False)
    assert block.text.split("\n")[7_000 - block.first_line] == lines[6_999] == "줄 6999"


def records(number: int) -> list[str]:
    """Three lines for each of so many requests; the last of a request goes on in two more."""
    lines = []
    for request in range(number):
        lines += [
            f"2026-01-05 09:{request // 60 % 60:02}:{request % 60:02},000 INFO web: {step} request=r{request}"
            for step in ("begin", "work", "end")
        ]
        lines += ["  at one", "  at two"]
    return lines


def stored(folder: Path, lines: list[str], ending: str = "") -> StoredLogs:
    """The dataset of one log of these lines."""
    (folder / f"app.log{ending}").write_bytes(PACKED[ending]("\n".join(lines).encode()))
    config = LogsConfig(session_by=r"request=(\w+)")
    prepare_folder([str(folder / f"app.log{ending}")], folder / "data", config, overwrite=True)
    return open_logs(folder / "data")


@pytest.mark.parametrize("ending", [*PACKED])
def test_a_folder_leads_to_the_lines_that_memory_leads_to(tmp_path: Path, ending: str) -> None:
    logs = stored(tmp_path, records(1_500), ending)
    there = prepare([str(tmp_path / f"app.log{ending}")], LogsConfig(session_by=r"request=(\w+)"))
    rows = np.array([1_400, 3, 700])
    assert logs.places(rows).equals(there.places(rows).cast({"line": pl.List(pl.UInt32)}))
    places = [(0, line) for lines in logs.places(rows)["line"] for line in lines]
    texts = logs.raw(places)
    assert texts == there.raw(places)
    assert texts[0, 3 + 5 * 700].splitlines()[1:] == ["  at one", "  at two"]
    assert logs.warnings == []


def test_only_the_lines_that_are_wanted_are_read(tmp_path: Path) -> None:
    logs = stored(tmp_path, records(20_000))
    with counted_reads() as read:
        assert len(logs.raw([(0, 1), (0, 50_001)])) == 2
    assert 0 < read["app.log"] < (tmp_path / "app.log").stat().st_size / 20


def test_logs_that_have_changed_or_gone_are_named(tmp_path: Path) -> None:
    lines = records(1_500)
    logs = stored(tmp_path, lines)
    path = tmp_path / "app.log"
    path.write_text("\n".join([*lines, "2026-01-06 09:00:00,000 INFO web: begin request=new"]))
    assert logs.raw([(0, 1)]) == {(0, 1): lines[0]}  # it has grown; what was there is still there
    assert logs.warnings == []
    path.write_text("\n".join(["2026-01-06 09:00:00,000 INFO web: other request=r0", *lines[1:]]))
    assert logs.raw([(0, 1)]) == {}
    assert logs.warnings == [
        "app.log has changed since it was prepared; templates stand for the lines that could not be read again"
    ]
    path.unlink()
    assert open_logs(tmp_path / "data").raw([(0, 1)]) == {}
    gone = open_logs(tmp_path / "data")
    gone.raw([(0, 1)])
    assert "app.log can no longer be read; templates" in gone.warnings[0]


def test_a_dataset_from_elsewhere_has_no_lines(tmp_path: Path) -> None:
    logs = stored(tmp_path, records(30))
    (tmp_path / "data" / "places.parquet").unlink()
    logs = open_logs(tmp_path / "data")
    assert logs.raw([(0, 1)]) == {}
    assert logs.places(np.array([0]))["line"].to_list() == [[0, 0, 0]]
    assert "does not say where its lines lie" in logs.warnings[0]


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"source_index": [[0]] * 30, "line": [[1]] * 30}),
        pl.DataFrame({"source_index": [[7] * 3] * 30, "line": [[1] * 3] * 30}),
    ],
)
def test_places_of_other_sessions_are_refused(tmp_path: Path, table: pl.DataFrame) -> None:
    stored(tmp_path, records(30))
    table.write_parquet(tmp_path / "data" / "places.parquet")
    with pytest.raises(InputError, match="does not fit the sessions beside it"):
        open_logs(tmp_path / "data").places(np.array([2]))


def test_raw_lines_are_not_in_the_dataset(tmp_path: Path) -> None:
    stored(tmp_path, [f"{line} token=abcdefgh{number:04}" for number, line in enumerate(records(40))])
    for file in (tmp_path / "data").iterdir():
        assert b"abcdefgh" not in file.read_bytes()
