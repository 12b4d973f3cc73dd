"""Files that are read back: what they must hold, and what is said where they do not."""

import io
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isang.errors import InputError
from isang.files import read_bytes
from isang.json_files import flag, from_json, items, mapping, maybe, number, one_of, read_json, record, text
from isang.parquet_files import read_footer, read_table

PERSON = record(
    {"schema": one_of(1), "name": text, "sizes": items(number(0, 9, whole=True))},
    {"tall": flag, "share": maybe(number(0, 1)), "more": mapping(text)},
)
GOOD = {"schema": 1, "name": "x", "sizes": [1, 2], "share": None}
COLUMNS = {"count": pl.Int64(), "name": pl.String(), "tokens": pl.List(pl.Int32())}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"schema": True}, "schema must be 1, got True"),
        ({"schema": 2}, "schema must be 1, got 2"),
        ({"name": None}, "name must be a text, got None"),
        ({"name": "\ud800"}, "name must be a text of whole characters"),
        ({"sizes": {}}, "sizes must be a list, got dict"),
        ({"sizes": [1, 2.5]}, r"sizes\[1\] must be a whole number from 0 to 9, got 2.5"),
        ({"sizes": [10**30]}, r"sizes\[0\] must be a whole number from 0 to 9"),
        ({"sizes": [True]}, r"sizes\[0\] must be a whole number from 0 to 9, got True"),
        ({"share": 1e300}, r"share must be a number from 0 to 1, got 1e\+300"),
        ({"tall": 1}, "tall must be true or false, got 1"),
        ({"more": {"a": 5}}, "more.a must be a text, got 5"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"^here cannot be used: {said}.*; write it anew"):
        from_json(json.dumps(GOOD | change), PERSON, "here", "write it anew")


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"null", b"\xff\xfe{", b'{"schema":NaN}', b'{"schema":-Infinity}', b"[" * 200_000, b'{"a":' * 200_000,
     b"1" * 5_000, b'{"schema":1,"name":"x","sizes":[1e999]}'],
)  # fmt: skip
def test_what_is_no_such_json_is_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"^here cannot be used: .*; write it anew"):
        from_json(content, PERSON, "here", "write it anew")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.sampled_from(["schema", "name", "sizes", "tall", "share", "more"]), json_values))
def test_anything_else_is_a_fit_or_a_clear_refusal(change: dict[str, Any]) -> None:
    try:
        value = from_json(json.dumps(GOOD | change), PERSON, "here", "write it anew")
    except InputError:
        return
    assert all(type(size) is int and 0 <= size <= 9 for size in value["sizes"])
    assert type(value["name"]) is str


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100)
    assert read_bytes(tmp_path / "file", 100) == b"x" * 100
    os.mkfifo(tmp_path / "pipe")
    for path, said in (
        (tmp_path / "file", "is larger than 99 bytes"),
        (tmp_path / "none", "No such file"),
        (tmp_path, "it is not a regular file but a folder"),
        (tmp_path / "pipe", "it is not a regular file but a pipe"),
        (Path("/dev/zero"), "it is not a regular file but a device"),
        (Path("/dev/full"), "it is not a regular file but a device"),
    ):
        with pytest.raises(InputError, match=said):
            read_bytes(path, 99)
        with pytest.raises(InputError, match=said):
            read_json(path, PERSON, "", most_bytes=99)


def table(path: Path, **changes: Any) -> Path:
    frame = pl.DataFrame({"count": [1, 2], "name": ["a", "b"], "tokens": [[1], [2, 3]]})
    frame.with_columns(**changes).write_parquet(path)
    return path


def test_a_footer_tells_rows_and_values(tmp_path: Path) -> None:
    footer, size = read_footer(table(tmp_path / "t.parquet"))
    assert footer == (2, 3)
    assert size == (tmp_path / "t.parquet").stat().st_size
    large = tmp_path / "large.parquet"
    pl.DataFrame({"tokens": [[1] * 7] * 1_000}).write_parquet(large, row_group_size=100)
    assert read_footer(large)[0] == (1_000, 7_000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"count": pl.lit("x")}, "the column count must be Int64, got String"),
        ({"name": pl.lit(5)}, "the column name must be String, got Int32"),
        ({"tokens": pl.lit(5)}, r"the column tokens must be List\(Int32\)"),
        ({"tokens": pl.concat_list(pl.lit(2**40))}, "cannot be used: .*conversion"),
    ],
)
def test_a_table_of_other_types_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=rf"t\.parquet.*{said}.*; copy it again"):
        read_table(table(tmp_path / "t.parquet", **changes), COLUMNS, "copy it again")


def test_a_table_may_lack_what_is_named_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pl.DataFrame({"count": [1], "tokens": [[1]]}).write_parquet(path)
    assert read_table(path, COLUMNS, "", may_lack=("name",)).rows() == [(1, None, [1])]
    with pytest.raises(InputError, match="lacks the columns name; it has count, tokens; copy it again"):
        read_table(path, COLUMNS, "copy it again")


def test_a_few_bytes_that_claim_many_rows_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "bomb.parquet"
    pl.select(count=pl.repeat(1, 20_000_000, dtype=pl.Int64)).write_parquet(path)
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError, match="bytes and claims to hold 20,000,000 values; copy it again"):
        read_table(path, {"count": pl.Int64()}, "copy it again")


def test_a_column_that_the_footer_does_not_describe_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    footer = bytes.fromhex("3600191c191c0026000000")  # no rows; one group with one column, of which nothing is said
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(InputError, match="its footer is damaged; copy it again"):
        read_table(path, COLUMNS, "copy it again")


@given(st.binary(max_size=200), st.integers(0, 3_000), st.binary(max_size=3))
def test_damaged_tables_are_refused(whole: bytes, place: int, change: bytes) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"count": [1, 2], "name": ["a", "b"], "tokens": [[1], [2, 3]]}).write_parquet(buffer)
    content = buffer.getvalue()
    place = min(place, len(content))
    for bad in (whole, content[:place], content[:place] + change + content[place + len(change) :]):
        path = Path(f"/dev/shm/isang-test-{os.getpid()}.parquet")
        path.write_bytes(bad)
        with suppress(InputError):
            read_table(path, COLUMNS, "copy it again")
        path.unlink()


def test_a_dictionary_may_have_more_entries_than_its_column_has_values(tmp_path: Path) -> None:
    """Categories that a filter left over are no claim of values."""
    table = pl.DataFrame({"level": pl.Series(["c7", "c9"], dtype=pl.Enum([f"c{n}" for n in range(1_000)]))})
    table.write_parquet(tmp_path / "table.parquet")
    footer, size = read_footer(tmp_path / "table.parquet")
    assert (footer.rows, footer.values) == (2, 2)
    assert size > 1_000, "the dictionary is in the file"
