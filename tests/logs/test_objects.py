"""Logs in object storage are read as files with the same content are."""

import gzip
import importlib.util
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from isang import stages
from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.logs.input.sources import find_sources
from isang.logs.prepare import prepare

LINES = "".join(f"2026-03-01T00:{n // 60:02d}:{n % 60:02d}Z INFO job={n // 5} step {n % 5} done\n" for n in range(900))


@pytest.fixture
def store() -> Iterator[Any]:
    """fsspec's store in memory, with a rotated log, a log that is compressed, and a table that is no log."""
    fsspec = pytest.importorskip("fsspec", reason="fsspec is not installed")
    files = fsspec.filesystem("memory")
    for name, content in {
        "app.log": LINES[20_000:].encode(), "app.log.1": LINES[:20_000].encode(),
        "old/web.log.gz": gzip.compress(LINES.encode()), "table.csv": b"a,b\n",
    }.items():  # fmt: skip
        files.pipe(f"/bucket/{name}", content)
    yield files
    files.rm("/bucket", recursive=True)


def test_objects_below_a_prefix_are_read_as_files_are(store: Any, tmp_path: Path) -> None:
    for remote in store.find("/bucket"):
        copy = tmp_path / remote.removeprefix("/bucket/")
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(store.cat(remote))
    here, there = prepare([str(tmp_path)], LogsConfig()), prepare(["memory://bucket"], LogsConfig())
    assert [source.name for source in there.sources] == [source.name for source in here.sources]
    assert there.dataset.sessions.equals(here.dataset.sessions)
    assert there.dataset.templates.equals(here.dataset.templates)
    assert there.raw([(0, 1)]) == here.raw([(0, 1)])
    assert there.raw([(0, 1)])


def test_single_objects_and_globs_are_named_by_their_addresses(store: Any, tmp_path: Path) -> None:
    assert [source.name for source in find_sources(["memory://bucket/*.log*"])] == ["app.log.1", "app.log"]
    (one,) = find_sources(["memory://bucket/table.csv"])
    assert one.named
    assert one.path.read_bytes() == b"a,b\n"
    written = store.modified("/bucket/table.csv")
    assert datetime.fromtimestamp(one.path.stat().st_mtime, UTC) == written
    meta = stages.prepare(["memory://bucket/old/web.log.gz"], tmp_path / "data")
    assert meta["lines"] == 900


def test_names_of_objects_lead_nowhere_else(store: Any) -> None:
    store.store["/bucket/odd/../../../up.log"] = store.store["/bucket/app.log"]
    found = find_sources(["memory://bucket"])
    root = found[0].path.parents[1]
    assert root.name.startswith("isang-")
    assert all(source.path.resolve().is_relative_to(root) for source in found)
    del store.store["/bucket/odd/../../../up.log"]


def test_what_cannot_be_read_is_named(store: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such object, and no logs below it: memory://bucket/nothing"):
        stages.prepare(["memory://bucket/nothing"], tmp_path / "data")
    with pytest.raises(InputError, match=r"no such file or folder: http://bucket/app\.log"):
        find_sources(["http://bucket/app.log"])
    if importlib.util.find_spec("gcsfs") is None:
        with pytest.raises(UsageError, match=r"gs://bucket/app\.log cannot be read: .*gcsfs"):
            find_sources(["gs://bucket/app.log"])
    assert not (tmp_path / "data").exists()
