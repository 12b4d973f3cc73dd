"""Columns kept small: what was put in comes out, in any pieces."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isang.runs.read.columns import PIECE_ROWS, Column, Columns
from isang.runs.read.table import Floats

ANY = st.floats(width=64, allow_nan=True, allow_infinity=True)
PRINTED = st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 12)).map(lambda pair: float(f"{pair[0]}e-{pair[1]}"))


@given(st.lists(arrays(np.float64, st.integers(0, 40), elements=ANY | PRINTED), max_size=4), st.data())
def test_every_number_comes_back_as_it_was(pieces: list[Floats], data: st.DataObject) -> None:
    column = Column()
    for piece in pieces:
        column.append(piece)
    whole = np.concatenate([np.zeros(0), *pieces])
    column.extend_to(len(whole) + 3)
    whole = np.append(whole, [np.nan] * 3)
    np.testing.assert_array_equal(column.values(), whole)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    np.testing.assert_array_equal(column.values(start, end), whole[start:end])
    np.testing.assert_array_equal(column.known(start, end), ~np.isnan(whole[start:end]))
    rows = np.array(sorted(data.draw(st.sets(st.integers(0, len(whole) - 1)))), dtype=np.int64)
    np.testing.assert_array_equal(column.take(rows), whole[rows])
    assert column.count() == (~np.isnan(whole)).sum()


BOOKKEEPING = 10_000
"""Bytes of the objects around the numbers."""


def held(build: Callable[[], Column]) -> tuple[Column, int]:
    """A column and the bytes that are in use once it is built."""
    tracemalloc.start()
    try:
        column = build()
        return column, tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("values", "most_bytes"),
    [
        (np.arange(1.0, 200_001.0), 0),
        (np.full(200_000, 2e-5), 0),
        (np.round(2 + 0.1 * np.random.default_rng(0).standard_normal(200_000), 4), 2 * 200_000),
        (np.random.default_rng(0).standard_normal(200_000), 8 * 200_000),
    ],
    ids=["steps", "a constant rate", "losses of four decimals", "full precision"],
)
def test_printed_numbers_take_little_memory(values: Floats, most_bytes: int) -> None:
    column, used = held(lambda: Column(values))
    assert used <= most_bytes + BOOKKEEPING
    np.testing.assert_array_equal(column.values(), values)


def test_a_gap_as_long_as_the_file_takes_no_memory() -> None:
    def build() -> Column:
        column = Column()
        column.extend_to(5 * PIECE_ROWS)
        column.append(np.array([1.5]))
        return column

    column, used = held(build)
    assert used <= BOOKKEEPING
    assert column.count() == 1
    columns = Columns({"loss": column})
    assert list(columns) == ["loss"]
    assert columns["loss"][-1] == 1.5
