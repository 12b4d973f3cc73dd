"""Rows come out in their order, however many fit in memory, and nothing stays on the disk."""

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.errors import OutputError
from isang.logs.sessions.external_sort import SortedRows

ROWS = st.lists(st.tuples(st.integers(-5, 5), st.text("ab\u00e9\U0001f600", max_size=2)), max_size=80)


@settings(deadline=None)
@given(rows=ROWS, run_bytes=st.integers(1, 2000), part=st.integers(1, 30))
def test_rows_come_out_in_their_order(rows: list[tuple[int, str]], run_bytes: int, part: int) -> None:
    numbered = [(number, text, place) for place, (number, text) in enumerate(rows)]
    table = pl.DataFrame(numbered, schema={"number": pl.Int64, "text": pl.String, "place": pl.Int64}, orient="row")
    with SortedRows(("number", "text", "place"), None, run_bytes=run_bytes) as sorted_rows:
        for piece in table.iter_slices(part):
            sorted_rows.add(piece)
        found = [row for batch in sorted_rows.batches() for row in batch.rows()]
    assert found == sorted(numbered)
    assert sorted_rows.height == len(rows)


def test_many_runs_of_many_blocks_are_merged(tmp_path: Path) -> None:
    table = pl.DataFrame({"number": [n * 7919 % 100_003 for n in range(100_003)], "text": ["x" * 50] * 100_003})
    with SortedRows(("number", "text"), tmp_path, run_bytes=1 << 20) as sorted_rows:
        for piece in table.iter_slices(1000):
            sorted_rows.add(piece)
        batches = list(sorted_rows.batches())
        assert list(tmp_path.iterdir()) == []  # the file has no name
    assert len(batches) > 1
    assert pl.concat(batches)["number"].to_list() == list(range(100_003))


def test_no_room_on_the_disk_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="absent"), SortedRows(("n",), tmp_path / "absent", run_bytes=1) as rows:
        rows.add(pl.DataFrame({"n": [1]}))
