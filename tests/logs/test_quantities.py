"""Numbers with units, and what stood in slots over time."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from isang.config import LogsConfig
from isang.logs.prepare import prepare_folder
from isang.logs.slots.quantities import quantity, written
from isang.logs.slots.slot_series import WORDS, read_series


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4", (4.0, "")), ("-3.5", (-3.5, "")), ("8,210 ms", (8.21, "s")), ("12ms", (0.012, "s")), ("3s", (3.0, "s")),
        ("1m2.5s", (62.5, "s")), ("340µs", (0.00034, "s")), ("12 KiB", (12_288.0, "B")), ("73%", (73.0, "%")),
        ("73 %", (73.0, "%")), ("5 pages", (5.0, "pages")), ("2 min", (120.0, "s")), ("", None), ("a4", None),
        ("4 of 5", None), ("1.2.3", None), ("0x1f", None),
    ],
)  # fmt: skip
def test_texts_with_a_number_and_a_unit(text: str, expected: tuple[float, str] | None) -> None:
    found = quantity(text)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found[0] == pytest.approx(expected[0])
        assert found[1] == expected[1]


@pytest.mark.parametrize(
    ("number", "unit", "expected"),
    [
        (8.21, "s", "8.21 s"), (0.0145, "s", "14.5 ms"), (300, "s", "5 min"), (2_500_000, "B", "2.5 MB"),
        (12, "B", "12 B"), (3_295, "", "3,295"), (0.25, "%", "0.25 %"), (0, "s", "0 s"),
    ],
)  # fmt: skip
def test_numbers_for_people(number: float, unit: str, expected: str) -> None:
    assert written(number, unit) == expected


def test_slots_have_their_numbers_and_few_values_in_the_order_of_time(tmp_path: Path) -> None:
    """Of two logs that ran at the same time; a slot of two words is two."""
    for offset, name in enumerate(("east", "west")):
        lines = [
            f"2026-05-06 10:{n:02}:{10 * offset:02} INFO {name} pump answered {200 + n % 2} {n * 10} in {n + 1}ms,"
            f" token=t{n}"
            for n in range(60)
        ]
        (tmp_path / f"{name}.log").write_text("\n".join(lines) + "\n")
    prepare_folder([str(tmp_path / "east.log"), str(tmp_path / "west.log")], tmp_path / "data", LogsConfig())
    series = read_series(tmp_path / "data")
    assert series is not None
    rows = [row for row in series.iter_rows(named=True) if row["unit"] == "s"]
    assert sum(len(row["numbers"]) for row in rows) == 120
    for row in rows:
        assert row["at"] == sorted(row["at"])
        assert row["share"] == 1.0
        assert np.allclose(sorted(set(row["numbers"])), np.arange(1, 61) / 1000)
    assert "token" not in series["name"].to_list()
    status = [row for row in series.iter_rows(named=True) if set(row["texts"]) == {"200", "201"}]
    assert status
    assert WORDS > 1
    assert series.filter(pl.col("unit").is_null() & (pl.col("texts").list.len() == 0)).is_empty()
