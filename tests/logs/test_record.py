"""Records of any intake as one table."""

import json
import random

from isang.logs.stream.parser import NumbersInOrder
from isang.logs.stream.record import RECORDS_SCHEMA, Record, frame_of


def test_a_batch_keeps_what_its_records_say() -> None:
    raw = Record("app.log", "2026-01-01T00:00:00Z INFO started", line=7)
    sent = Record(
        "shop", "paid \ud55c", time_us=1_767_225_600_000_000, level="INFO", message="paid \ud55c",
        fields={"http.method": "GET"}, trace_id="0af7651916cd43dd8448eb211c80319c",
    )  # fmt: skip
    frame = frame_of([raw, sent])
    assert frame.schema == RECORDS_SCHEMA
    first, second = frame.rows(named=True)
    assert (first["stream"], first["line"], first["message"], first["fields"]) == ("app.log", 7, None, None)
    assert second["time"] == sent.time_us
    assert json.loads(second["fields"]) == sent.fields
    assert second["trace_id"] == sent.trace_id


def test_no_records_are_a_table_too() -> None:
    assert frame_of([]).schema == RECORDS_SCHEMA


def test_numbers_of_names_stand_in_the_order_of_the_names() -> None:
    chance = random.Random(3)
    names = [f"{chance.randrange(10**6):06}" for _ in range(400)]
    numbers = NumbersInOrder()
    of = {name: numbers.of(name) for name in dict.fromkeys(names)}
    assert len(set(of.values())) == len(of)
    assert sorted(of, key=of.__getitem__) == sorted(of)
    assert all(abs(number) < 2**62 for number in of.values())
