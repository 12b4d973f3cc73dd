"""Records of open sessions come out as they went in, and only those that nobody needs are gone."""

import random

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from isang.logs.stream.open_records import STORED_SCHEMA, OpenRecords
from isang.logs.stream.record import PARSED_SCHEMA
from isang.logs.templates.text_store import BLOCK_BYTES, PackedTexts

Row = tuple[str | None, str | None, int]
"""Key, level, time."""
RECORDS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", None]), st.sampled_from([None, "INFO"]), st.integers(0, 9)), max_size=12
)


def records_of(rows: list[Row], first_line: int) -> pl.DataFrame:
    """PARSED_SCHEMA and `heard`."""
    table = {
        "key": [key for key, _, _ in rows],
        "stream": "",
        "log": 0,
        "source": "x.log",
        "line": range(first_line, first_line + len(rows)),
        "time": [time for _, _, time in rows],
        "level": [level for _, level, _ in rows],
        "alert": None,
        "message": [f"took {time}" for _, _, time in rows],
        "text": [f"line {first_line + place}" for place in range(len(rows))],
    }
    return pl.DataFrame(table, schema=PARSED_SCHEMA).with_columns(heard="time")


@given(st.lists(st.tuples(RECORDS, st.booleans()), max_size=12), st.randoms(use_true_random=False))
def test_open_records_equal_a_plain_table(steps: list[tuple[list[Row], bool]], chance: random.Random) -> None:
    """Whatever is added, dropped, saved and loaded, and in whatever order."""
    held = OpenRecords()
    expected = records_of([], 1)
    line = 1
    for rows, restart in steps:
        new = records_of(rows, line)
        line += len(rows)
        held.add(new)
        expected = pl.concat([expected, new])
        there = held.of(held.owners())
        assert there.height == held.height == expected.height
        dropped = np.array([row for row in there["row"].to_list() if chance.random() < 0.3], dtype=np.int64)
        gone = there.filter(pl.col("row").is_in(dropped.tolist()))["line"]
        expected = expected.filter(~pl.col("line").is_in(gone.to_list()))
        held.drop(dropped)
        if restart:
            held = OpenRecords.load(*held.stored())
        assert_equal(held, expected)


def assert_equal(held: OpenRecords, expected: pl.DataFrame) -> None:
    there = held.in_words(held.of(held.owners())).select(STORED_SCHEMA.names())
    texts = held.texts().get(there["text"].to_list())
    written = pl.Series("text", [texts[number] for number in there["text"].to_list()], dtype=pl.String)
    assert there.with_columns(written).equals(expected.select(STORED_SCHEMA.names()))
    silent = held.in_words(held.of(held.silent_since(5)))["key"].unique().to_list()
    latest = expected.group_by("key").agg(pl.col("heard").max()).filter(pl.col("heard") < 5)
    assert set(silent) == set(latest["key"].to_list())


def test_values_and_owners_that_nobody_has_any_more_are_forgotten() -> None:
    held = OpenRecords()
    for first in range(1, 20_001, 1_000):
        held.add(records_of([(f"key {first + place}", None, first) for place in range(1_000)], first))
        held.drop(held.of(held.owners())["row"].to_numpy())
    assert held.height == 0
    assert held.owners().tolist() == []
    records, blocks = held.stored()
    assert records.is_empty()
    assert sum(block.size for block in blocks) < 10_000


def test_the_owners_silent_longest_make_room() -> None:
    held = OpenRecords()
    held.add(records_of([("a", None, 3), ("b", None, 1), ("b", None, 2), ("c", None, 9)], 1))
    owners = held.silent_longest(3)
    assert held.in_words(held.of(owners))["key"].to_list() == ["b", "b"]
    assert held.silent_longest(4).tolist() == []


def test_texts_are_found_whatever_was_dropped_around_them() -> None:
    packed = PackedTexts()
    long = "x" * (BLOCK_BYTES // 10)
    numbers = np.concatenate([packed.add(pl.Series([f"{place} {long}", f"{place}"])) for place in range(40)])
    before = packed.now()
    kept = numbers[[0, 1, 7, 30, 31, 32, 33, 60, 79]]
    packed.keep(kept)
    expected = {int(number): f"{number // 2}" for number in kept}
    found = packed.now().get(kept.tolist())
    assert {number: text.split()[0] for number, text in found.items()} == expected
    assert before.get([3, 4]) == {3: "1", 4: f"2 {long}"}
    again = PackedTexts(packed.packed())
    assert again.now().get(kept.tolist()) == found
    assert again.add(pl.Series(["next"])).tolist() == [80]
