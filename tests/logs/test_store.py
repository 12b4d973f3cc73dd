"""The dataset folder comes back as it was written, and says what is wrong with it."""

import json
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isang.errors import InputError, UsageError
from isang.logs.store import (
    SCHEMA,
    SESSIONS_SCHEMA,
    TEMPLATES_SCHEMA,
    Dataset,
    read_dataset,
    write_dataset,
    write_sessions,
)


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


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 9000), min_size=1, max_size=6))
def test_the_parts_that_sessions_come_in_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("parts")
    table = dataset().sessions[[0, 1] * 20_000]
    write_sessions([table], folder)
    whole = (folder / "sessions.parquet").read_bytes()
    edges = [0, *accumulate(sizes), table.height]
    write_sessions([table[one:other] for one, other in pairwise(edges)], folder)
    assert (folder / "sessions.parquet").read_bytes() == whole
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
    spoiled("must have the columns", templates=good.templates.with_columns(event=pl.lit("x")))
    spoiled("each event must stand there once", templates=pl.concat([good.templates, good.templates]))
    spoiled("differ in length", sessions=good.sessions.with_columns(gaps_ms=pl.lit([1, 2, 3])))
    spoiled(
        "has no events", sessions=good.sessions.with_columns(events=pl.lit([], dtype=pl.List(pl.Int32)), gaps_ms=None)
    )

    write_dataset(good, folder, overwrite=True)
    (folder / "meta.json").write_text(json.dumps({"schema": 99}))
    with pytest.raises(InputError, match="schema 99"):
        read_dataset(folder)
    (folder / "meta.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_dataset(folder)
    (folder / "templates.parquet").write_bytes(b"PAR1 and no more")
    (folder / "meta.json").write_text(json.dumps({"schema": SCHEMA}))
    with pytest.raises(InputError, match=r"cannot read .*templates\.parquet"):
        read_dataset(folder)
    (folder / "templates.parquet").unlink()
    with pytest.raises(InputError, match="is missing"):
        read_dataset(folder)
