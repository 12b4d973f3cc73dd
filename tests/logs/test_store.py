"""The dataset folder comes back as it was written, and says what is wrong with it."""

import hashlib
import json
import random
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.errors import InputError, UsageError
from isang.logs import store
from isang.logs.places import PLACES_SCHEMA, write_places
from isang.logs.store import (
    PER_EVENT,
    SCHEMA,
    SESSIONS_SCHEMA,
    TEMPLATES_SCHEMA,
    Dataset,
    open_dataset,
    read_dataset,
    write_dataset,
    write_sessions,
)
from tests.synthetic import shop_dataset


def dataset() -> Dataset:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    sessions = pl.DataFrame(
        [
            ("a", "app.log", start, start, [0, 1], [0, 5], False, None),
            ("b", "app.log", None, None, [1], None, True, "delay"),
        ],
        schema=SESSIONS_SCHEMA,
        orient="row",
    )
    templates = pl.DataFrame([(0, "open <*>", "INFO", 1), (1, "close", None, 2)], schema=TEMPLATES_SCHEMA, orient="row")
    return Dataset(sessions, templates, {"schema": SCHEMA, "lines": 3})


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = dataset()
    write_dataset(written, tmp_path / "data")
    found = read_dataset(tmp_path / "data")
    assert found.sessions.equals(written.sessions)
    assert found.templates.equals(written.templates)
    assert found.meta == written.meta


def test_a_file_from_elsewhere_may_lack_the_kinds(tmp_path: Path) -> None:
    write_dataset(dataset(), tmp_path)
    dataset().sessions.drop("kind").write_parquet(tmp_path / "sessions.parquet")
    assert read_dataset(tmp_path).sessions["kind"].to_list() == [None, None]


def _digest(folder: Path) -> list[str]:
    files = (folder / name for name in ("sessions.parquet", "places.parquet"))
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def _write(parts: list[pl.DataFrame], folder: Path) -> None:
    """Sessions, and the lines of their events, here the numbers of the events."""
    write_sessions(parts, folder)
    write_places(
        [part.select(source_index="events", line=pl.col("events")).cast(PLACES_SCHEMA) for part in parts], (), folder
    )


@settings(max_examples=3, deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=6))
def test_the_parts_that_sessions_come_in_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    source = random.Random(0)
    lists = [[source.randrange(30) for _ in range(source.randrange(1, 40))] for _ in range(20_000)]
    table = dataset().sessions[[0] * 20_000].with_columns(events=pl.Series(lists, dtype=pl.List(pl.Int32)))
    _write([table], folder)
    whole = _digest(folder)
    edges = [0, *accumulate(sizes), table.height]
    _write([table[list(range(one, other))] for one, other in pairwise(edges)], folder)
    assert _digest(folder) == whole
    assert pl.scan_parquet(folder / "sessions.parquet").select(pl.len()).collect().item() == table.height


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_dataset(dataset(), tmp_path / name)
    for file in ("sessions.parquet", "templates.parquet", "meta.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_folder_is_replaced_only_when_asked(tmp_path: Path) -> None:
    write_dataset(dataset(), tmp_path / "data")
    with pytest.raises(UsageError, match="--overwrite"):
        write_dataset(dataset(), tmp_path / "data")
    write_dataset(dataset(), tmp_path / "data", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_every_mistake_in_a_folder_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    good = dataset()
    with pytest.raises(InputError, match="does not exist"):
        read_dataset(folder)

    def spoiled(said: str, *, sessions: pl.DataFrame | None = None, templates: pl.DataFrame | None = None) -> None:
        spoiled_sessions = good.sessions if sessions is None else sessions
        spoiled_templates = good.templates if templates is None else templates
        write_dataset(Dataset(good.sessions, spoiled_templates, good.meta), folder, overwrite=True)
        spoiled_sessions.write_parquet(folder / "sessions.parquet")
        with pytest.raises(InputError, match=said):
            read_dataset(folder)

    spoiled("holds no sessions", sessions=good.sessions.clear())
    spoiled("lacks the columns gaps_ms", sessions=good.sessions.drop("gaps_ms"))
    spoiled("'a' stands there twice", sessions=pl.concat([good.sessions, good.sessions]))
    spoiled("have no row in templates", templates=good.templates.head(1))
    spoiled("the column event must be Int32, got String", templates=good.templates.with_columns(event=pl.lit("x")))
    spoiled("each event must stand there once", templates=pl.concat([good.templates, good.templates]))
    spoiled("from 0 to", templates=good.templates.with_columns(event=pl.Series([0, 2**31 - 1], dtype=pl.Int32)))
    spoiled("differ in length", sessions=good.sessions.with_columns(gaps_ms=pl.lit([1, 2, 3])))
    spoiled(
        "has no events", sessions=good.sessions.with_columns(events=pl.lit([], dtype=pl.List(pl.Int32)), gaps_ms=None)
    )

    write_dataset(good, folder, overwrite=True)
    (folder / "meta.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(InputError, match="schema must be 1, got 99"):
        read_dataset(folder)
    (folder / "meta.json").write_text("{")
    with pytest.raises(InputError, match="it is not JSON"):
        read_dataset(folder)
    (folder / "templates.parquet").write_bytes(b"PAR1 and no more")
    (folder / "meta.json").write_text(json.dumps({"schema": SCHEMA}))
    with pytest.raises(InputError, match=r"templates\.parquet cannot be used"):
        read_dataset(folder)
    (folder / "templates.parquet").unlink()
    with pytest.raises(InputError, match="No such file"):
        read_dataset(folder)


@pytest.fixture
def shuffled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Dataset]:
    """A folder that somebody else wrote: sessions in any order, in many small row groups; and what is in it."""
    monkeypatch.setattr(store, "PIECE_SESSIONS", 7)
    whole = shop_dataset(50)
    write_dataset(
        Dataset(whole.sessions.sample(fraction=1, shuffle=True, seed=0), whole.templates, whole.meta), tmp_path / "d"
    )
    return tmp_path / "d", whole


def test_a_stored_dataset_is_the_one_in_memory_piece_by_piece(shuffled: tuple[Path, Dataset]) -> None:
    folder, whole = shuffled
    stored = open_dataset(folder)
    assert stored.sessions.equals(whole.sessions.drop(PER_EVENT))
    assert stored.sizes.tolist() == whole.sizes.tolist()
    pieces = list(stored.pieces("events"))
    assert [len(rows) for rows, _ in pieces] == [7] * 7 + [1]
    for rows, piece in pieces:
        assert piece["events"].to_list() == whole.sessions["events"].gather(rows).to_list()


def test_some_sessions_of_a_stored_dataset_are_loaded(shuffled: tuple[Path, Dataset]) -> None:
    folder, whole = shuffled
    some = open_dataset(folder).load(np.array([0, 3, 30, 49]))
    assert some.sessions.equals(whole.sessions[[0, 3, 30, 49]])
    assert read_dataset(folder).sessions.equals(whole.sessions)
