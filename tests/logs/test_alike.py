"""Lines that differ in digits alone are read alike, with the result of reading each for itself."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.sources import find_sources
from isang.logs.parsing import masks
from isang.logs.parsing.digit_cache import ChunkReader, ParsedChunk, Search, parsed_line_by_line
from isang.logs.parsing.layouts import LAYOUTS
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.parsing.records import recognise_source, split_lines
from isang.logs.parsing.regex import takes_digits_alike

MASKS = masks.compiled(masks.BUILT_IN)


def same(one: ParsedChunk, other: ParsedChunk) -> bool:
    counts = [
        (found.records.lines, found.records.blank, found.records.leading, found.records.continued)
        for found in (one, other)
    ]
    if (one.keys is None) != (other.keys is None):
        return False
    keys_equal = one.keys is None or other.keys is None or one.keys.equals(other.keys)
    return (
        one.records.frame.equals(other.records.frame)
        and one.masked.equals(other.masked, null_equal=True)
        and counts[0] == counts[1]
        and keys_equal
    )


def search_for(text: str, key: str | None) -> Search:
    head = split_lines(Chunk(text, 1, None))["text"]
    source = recognise_source(head, given=None, zone="UTC", reference=datetime(2024, 6, 9, tzinfo=UTC))
    return Search(source, MASKS, key)


def agrees(text: str, key: str | None = None) -> bool:
    """Read from a text and once more from what is remembered of it."""
    chunk, search = Chunk(text, 1, None), search_for(text, key)
    reader, each = ChunkReader(search), parsed_line_by_line(chunk, search)
    return same(reader.read(chunk), each) and same(reader.read(chunk), each)


def repeated(lines: list[str], times: int = 8) -> str:
    """`lines`, each `times` times with other digits."""
    shifts = [str.maketrans("0123456789", "0123456789"[shift:] + "0123456789"[:shift]) for shift in range(times)]
    return "\n".join(line.translate(shift) for shift in shifts for line in lines)


WORDS = st.sampled_from(
    ["blk_12", "blk_-345", "x1y2", "0x1f", "é", "12:00:01", "10.0.0.1", "id=7", "id=7", "a", "2ND", "v2", " ", "ERROR"]
)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["2024-01-11 11:11:11 INFO ", "2024-01-11 11:11:11 DEBUG2 ", "", " ", "11:11:11 "]),
        st.lists(WORDS, max_size=6).map(" ".join),
    ).map("".join),
    min_size=1,
    max_size=12,
)


@settings(deadline=None)
@given(LINES, st.sampled_from([None, r"\bblk_-?[0-9]+", r"id=(\d)", r"\d+"]))
def test_reading_alike_changes_nothing(lines: list[str], key: str | None) -> None:
    assert agrees(repeated(lines), key)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("2024-01-11 11:11:11 INFO started at 2024-01-11 11:11:11", None),  # the time stands there twice
        ("2024-01-11 11:11:11 INFO item 7 of x7y", r"item (\d)"),  # a key that stands there by chance too
        ("2024-01-11 11:11:11 INFO blk_1 blk_1 blk_2", r"blk_\d"),  # which are the same differs by line
        ("2024-01-11 11:11:11 INFO read 3rd part of x86_64", None),  # digits that no mask takes away
        ("2024-01-11 11:11:11 INFO ünïcode \u3000 id=5", r"id=(\d)"),
    ],
)
def test_what_is_not_certain_is_read_line_by_line(line: str, key: str | None) -> None:
    text = repeated([line]) + "\n" + line.replace("blk_2", "blk_1")
    assert agrees(text, key)


def test_keys_are_those_of_each_line() -> None:
    text = repeated(["2024-01-11 11:11:11 INFO move blk_1 to blk_2"], 4)
    found = ChunkReader(search_for(text, r"blk_\d")).read(Chunk(text, 1, None))
    assert found.keys is not None
    assert found.keys.rows() == [(row, f"blk_{row + key}") for row in range(4) for key in (1, 2)]
    assert found.masked.to_list() == ["move blk<*> to blk<*>"] * 4
    assert found.records.frame["time"].dt.second().to_list() == [11, 22, None, None]  # there is no 23rd month


def test_every_layout_and_mask_takes_digits_alike() -> None:
    patterns = [layout.pattern for layout in LAYOUTS] + [pattern for _, pattern in masks.BUILT_IN]
    assert all(map(takes_digits_alike, patterns))


@pytest.mark.parametrize("pattern", [r"\d+", "[^0-9a-f]", "a{2,3}", r"(?P<a1>x)", r"[\]0-9]", r"\x{FEFF}", r"[!-~]"])
def test_patterns_that_take_digits_alike(pattern: str) -> None:
    assert takes_digits_alike(pattern)


@pytest.mark.parametrize("pattern", ["7", "page 0-9", "[1-9]", r"\x30", r"\x{39}", r"[\x30-\x35]", r"\p{Nd}", "[+-9]"])
def test_patterns_that_do_not(pattern: str) -> None:
    assert not takes_digits_alike(pattern)


@pytest.mark.parametrize(
    "log",
    ["hdfs/HDFS_2pct.log.zst", "bgl/BGL_100k.log.gz", "loghub_2k/OpenStack", "loghub_2k/Zookeeper", "loghub_2k/Linux"],
)
def test_reading_alike_changes_nothing_in_real_logs(shared_data: Path, log: str) -> None:
    found = recognise_sources(find_sources([str(shared_data / log)]), LogsConfig())
    search = Search(found.layouts[0], MASKS, session_rule(found.sample, LogsConfig()).pattern)
    chunks = read_chunks(found.sources[0], ReadCounts(), max_line_bytes=1 << 20)
    reader = ChunkReader(search)
    assert all(
        same(reader.read(chunk), parsed_line_by_line(chunk, search)) for chunk, _ in zip(chunks, range(3), strict=False)
    )
