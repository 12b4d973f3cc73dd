"""Whether templates still grow, and what stands in their slots."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from isang.config import LogsConfig
from isang.logs.prepare import prepare_folder
from isang.logs.templates.novelty import novelty, told
from isang.logs.templates.slots import MOST_EVEN, MOST_FIRST, Sampled, SlotSample, names, seen_values, slots_of

KINDS = ["alpha gate opened", "beta gate opened", "lift moved up", "cart <*> paid", "cart <*> sent back", "tower lit"]


def test_new_templates_are_counted_by_the_tenth_of_their_log() -> None:
    found = novelty(KINDS, np.array([0, 10, 999, 1_000, 1_950, 1_999]), [0, 1_000], 2_000)
    assert found["by_tenths"] == [3, 0, 0, 0, 0, 0, 0, 0, 0, 3]
    assert found["differ_in_one_place"] == 0
    assert found["examples"] == ["lift moved up", "cart <*> sent back", "tower lit"]
    sentence = told(found)
    assert sentence is not None
    assert "still growing: 3 new ones" in sentence.en
    assert told(novelty(KINDS, np.arange(6), [0], 2_000)) is None
    assert novelty(KINDS, np.arange(6), [0], 100)["by_tenths"] == [0] * 10  # tenths of ten lines say nothing


def test_what_new_templates_differ_in_is_said() -> None:
    texts = ["user ann came", *(f"user {name} came" for name in ("bob", "cid", "dan"))]
    found = novelty(texts, np.array([0, 950, 960, 970]), [0], 1_000)
    assert found["most_differ"] == [{"before": "user", "templates": 3}]
    assert found["differ_in_one_place"] == 3


def test_slots_have_names_and_bounded_statistics() -> None:
    assert names("login user=<*> from <*> [id <*>] <*>") == ["user", "from", "id", None]
    texts = {7: "took <*> of password <*>"}
    messages = [Sampled(7, f"took {n} of password p{n}", None, 0, n + 1) for n in range(40)]
    table = slots_of(texts, seen_values(texts, messages))
    took, secret = table.iter_rows(named=True)
    assert (took["name"], took["lines"], took["distinct"], took["low"], took["high"]) == ("took", 40, 40, 0.0, 39.0)
    assert took["growing"]
    assert len(took["values"]) == 20
    assert took["quantiles"][3] == 19.5
    assert secret["values"] == []  # of what may be a secret only the number of values is kept
    assert secret["distinct"] == 40


def test_a_dataset_says_how_its_templates_grow_and_what_their_slots_hold(tmp_path: Path) -> None:
    words = ("north", "south", "east", "west", "upper", "lower", "inner")
    lines = [f"2026-05-06 10:{n // 60:02}:{n % 60:02} INFO gate {n % 7} seen from tower" for n in range(900)]
    lines += [f"2026-05-06 11:00:{n:02} INFO {word} door needs {n} new hinges" for n, word in enumerate(words)]
    (tmp_path / "gates.log").write_text("\n".join(lines) + "\n")
    meta = prepare_folder([str(tmp_path / "gates.log")], tmp_path / "data", LogsConfig())
    assert meta["novelty"]["by_tenths"] == [1, 0, 0, 0, 0, 0, 0, 0, 0, 1]  # the seven doors are one template
    slots = pl.read_parquet(tmp_path / "data" / "slots.parquet").row(0, named=True)
    assert (slots["name"], slots["distinct"], slots["low"], slots["high"]) == ("gate", 7, 0.0, 6.0)
    assert not slots["growing"]


def test_slots_are_looked_at_in_all_parts_of_the_logs(tmp_path: Path) -> None:
    lines = [f"2026-05-06 10:{n // 600 % 60:02}:{n // 10 % 60:02} INFO level {n // 100} reached" for n in range(60_000)]
    lines += ["2026-05-06 11:20:00 INFO mailed ann@depot.example"]
    (tmp_path / "levels.log").write_text("\n".join(lines) + "\n")
    prepare_folder([str(tmp_path / "levels.log")], tmp_path / "data", LogsConfig())
    level, mail = pl.read_parquet(tmp_path / "data" / "slots.parquet").sort("lines", descending=True).rows(named=True)
    assert (level["low"], level["high"]) == (0.0, 599.0)
    assert level["growing"]
    assert 16_384 <= level["lines"] < 34_000
    assert mail["lines"] == 1
    assert "ann" not in mail["values"][0]  # what is redacted elsewhere is redacted here


def test_the_sample_of_slots_is_bounded_and_even() -> None:
    sample = SlotSample()
    for first in range(0, 200_000, 10_000):
        places = range(first, first + 10_000)
        examples = pl.DataFrame({"even": [True] * 10_000, "message": [str(place) for place in places]})
        examples = examples.with_columns(fields=pl.lit(None, dtype=pl.String), line=pl.Series(places) + 1)
        sample.add(pl.Series([place % 3 for place in places]), examples, 0)
    places = [int(one.message) for one in sample.messages()]
    assert places == sorted(places)
    assert MOST_EVEN / 2 < len(places) <= MOST_EVEN + MOST_FIRST
    counts = np.histogram(places, bins=8, range=(0, 200_000))[0]
    assert max(counts) < 1.1 * min(counts) + 8


def test_fields_of_structured_lines_have_statistics_too(tmp_path: Path) -> None:
    printers = ("zeb-1", "zeb-2")
    lines = [
        json.dumps({
            "time": f"2026-05-06T10:00:{n % 60:02}Z", "level": "info", "msg": "label printed", "trace": f"{n:032x}",
            "by": {"printer": printers[n % 2]}, "copies": n % 3, "duplex": n % 2 == 0, "password": f"p{n}",
        })
        for n in range(200)
    ]  # fmt: skip
    (tmp_path / "labels.json").write_text("\n".join(lines) + "\n")
    prepare_folder([str(tmp_path / "labels.json")], tmp_path / "data", LogsConfig())
    table = pl.read_parquet(tmp_path / "data" / "slots.parquet")
    assert table["slot"].null_count() == table.height == 5
    found = {row["name"]: row for row in table.iter_rows(named=True)}
    assert sorted(found["by.printer"]["values"]) == ["zeb-1", "zeb-2"]
    assert found["duplex"]["values"] == ["true", "false"]
    assert (found["copies"]["low"], found["copies"]["high"]) == (0.0, 2.0)
    assert found["trace"]["distinct"] == 200
    assert found["password"]["values"] == []


def test_fields_of_logfmt_are_read(tmp_path: Path) -> None:
    lines = [
        f'time=2026-05-06T10:00:{n:02}Z level=info msg="hinge oiled" gate=g{n % 2} by="night crew"' for n in range(60)
    ]
    (tmp_path / "gates.log").write_text("\n".join(lines) + "\n")
    prepare_folder([str(tmp_path / "gates.log")], tmp_path / "data", LogsConfig())
    table = pl.read_parquet(tmp_path / "data" / "slots.parquet")
    assert table["name"].to_list() == ["by", "gate"]
    assert table["values"].to_list() == [["night crew"], ["g0", "g1"]]
