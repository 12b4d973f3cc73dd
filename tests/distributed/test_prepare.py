"""A dataset that many workers make equals that of one machine, byte for byte but for the parts of its sessions."""

import gzip
import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from isang.config import LogsConfig
from isang.distributed import writing
from isang.distributed.engine import Ray
from isang.distributed.prepare import RayPreparation, prepare
from isang.errors import EngineError, InputError
from isang.logs.input.chunks import CHUNK_BYTES
from isang.logs.places import open_logs
from isang.logs.prepare import prepare_folder
from isang.logs.store import is_dataset
from isang.stages import fingerprint

LINES = 90_000


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three logs: one of three chunks of which the second begins with times that make no sense, a compressed one, and
    an empty one."""
    folder, chosen = tmp_path_factory.mktemp("logs"), random.Random(7)
    lines = []
    for number in range(LINES):
        key, second = f"req-{chosen.randrange(9000):05d}", number // 4
        time = (
            f"2026-03-0{1 + second // 43200}T{second % 43200 // 3600:02d}:{second % 3600 // 60:02d}:{second % 60:02d}Z"
        )
        if 35_000 < number < 55_000:  # around the end of the first chunk
            time = "2026-13-41T25:00:00Z"
        level = "ERROR" if chosen.random() < 0.002 else "INFO"
        what = chosen.choice(
            [f"cache miss for item {number}", f"wrote {chosen.randrange(999)} bytes to volume v{number % 7}",
             "request accepted by the front door", f"worker {number % 11} took over from worker {number % 5}",
             f"user u{chosen.randrange(400)} looked at page p{number % 30} within {chosen.randrange(90)} ms"]
        )  # fmt: skip
        lines.append(f"{time} {level} store.front request_id={key} - {what}")
        if chosen.random() < 0.01:
            lines.append("    at store.front.Handler.serve(Handler.java:40)")
    (folder / "front.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    some = "\n".join(lines[5_000:8_000]).replace("store.front", "store.back")
    with gzip.open(folder / "back.log.gz", "wt", encoding="utf-8") as file:
        file.write(some)
    (folder / "empty.log").write_text("", encoding="utf-8")
    return folder


IN_PARTS = ("sessions", "places")


def same_bytes(one: Path, other: Path, *, parts: int = 1) -> None:
    """`one` has its sessions in one file, `other` in parts."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(f"{path.name}.parquet" if path.is_dir() else path.name for path in other.iterdir())
    for name in names:
        file, folder = one / name, other / name.removesuffix(".parquet")
        if folder.name not in IN_PARTS:
            assert file.read_bytes() == (other / name).read_bytes(), name
            continue
        written = sorted(path.name for path in folder.iterdir())
        assert written == [f"part-{number:05d}.parquet" for number in range(parts)]
        if parts == 1:
            assert file.read_bytes() == (folder / written[0]).read_bytes(), name
        else:
            assert pl.read_parquet(file).equals(pl.concat([pl.read_parquet(folder / part) for part in written])), name


@pytest.mark.parametrize("settings", [{}, {"session_by": "none", "window_lines": 50}], ids=["key", "windows"])
def test_equal_to_one_machine(logs: Path, settings: dict[str, Any], ray_engine: Ray, tmp_path: Path) -> None:
    assert (logs / "front.log").stat().st_size > 2 * CHUNK_BYTES, "so that it is read in three parts"
    config = LogsConfig(**settings)
    prepare_folder([str(logs)], tmp_path / "one", config)
    for workers in (1, 2, 4) if not settings else (2,):
        many = tmp_path / f"by-{workers}"
        prepare(Ray(workers), [str(logs)], many, config, unit_bytes=CHUNK_BYTES)
        same_bytes(tmp_path / "one", many)
    assert fingerprint(many) == fingerprint(tmp_path / "one")


def test_several_parts_are_read_as_one_table(
    logs: Path, ray_engine: Ray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("id,label\n" + "".join(f"req-{number:05d},{number % 2}\n" for number in range(9_500)))
    config = LogsConfig()
    prepare_folder([str(logs)], tmp_path / "one", config, labels=labels)
    monkeypatch.setattr(writing, "PIECE_SESSIONS", 2_000)
    prepare(Ray(4), [str(logs)], tmp_path / "many", config, labels=labels, unit_bytes=CHUNK_BYTES)
    same_bytes(tmp_path / "one", tmp_path / "many", parts=5)
    one, many = open_logs(tmp_path / "one"), open_logs(tmp_path / "many")
    assert is_dataset(tmp_path / "many")
    assert many.dataset.sessions.equals(one.dataset.sessions)
    rows = np.arange(0, len(one.dataset.sessions), 701)
    assert many.places(rows).equals(one.places(rows))
    wanted = [(source[0], line[0]) for source, line in one.places(rows[:5]).iter_rows()]
    assert many.raw(wanted) == one.raw(wanted) != {}
    (tmp_path / "many" / "sessions" / "part-00004.parquet").unlink()
    with pytest.raises(InputError, match="a part is missing"):
        open_logs(tmp_path / "many")
    (tmp_path / "one" / "sessions").mkdir()
    (tmp_path / "one" / "sessions" / "part-00000.parquet").touch()
    with pytest.raises(InputError, match=r"both sessions\.parquet and sessions/part-00000"):
        open_logs(tmp_path / "one")


def test_a_bad_file_is_named(logs: Path, ray_engine: Ray, tmp_path: Path) -> None:
    damaged = tmp_path / "cut.log.gz"
    damaged.write_bytes(b"\x1f\x8b\x08" + bytes(40))
    with pytest.raises(InputError, match=r"cut\.log\.gz"):
        prepare(ray_engine, [str(damaged)], tmp_path / "data", LogsConfig())
    assert not (tmp_path / "data").exists()
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_that_goes_away_meanwhile_is_named(ray_engine: Ray, tmp_path: Path) -> None:
    log = tmp_path / "gone.log"
    log.write_text("2026-03-01T00:00:00Z INFO a b\n" * 50, encoding="utf-8")

    class GoesAway(RayPreparation):
        def _read_units(self, *given: Any) -> Any:
            log.rename(tmp_path / "elsewhere.txt")
            return super()._read_units(*given)

    with pytest.raises(InputError, match=r"cannot read .*gone\.log"):
        prepare_folder(
            [str(log)], tmp_path / "data", LogsConfig(), preparation=partial(GoesAway, Ray(1), 2 * CHUNK_BYTES)
        )
    assert not list(tmp_path.glob("*.partial"))


def dies(item: int, folder: Path) -> int:
    """Kills its worker the first time."""
    import os

    mark = folder / f"died-{item}"
    if item == 2 and not mark.exists():
        mark.touch()
        os._exit(1)
    return item * item


def same(item: int) -> int:
    return item


def dies_always(item: int) -> int:
    import os

    os._exit(1)


def niceness(item: int) -> int:
    import os

    return os.nice(item)


def test_workers_are_as_urgent_as_this_process(ray_engine: Ray) -> None:
    assert list(ray_engine.in_order(niceness, [0], doing=str)) == [niceness(0)]


def test_a_worker_that_dies_is_replaced(ray_engine: Ray, tmp_path: Path) -> None:
    assert list(ray_engine.in_order(dies, range(5), tmp_path, doing=str)) == [0, 1, 4, 9, 16]
    assert (tmp_path / "died-2").exists()


def test_a_task_that_kills_each_worker_is_given_up(ray_engine: Ray) -> None:
    with pytest.raises(EngineError, match="reading seven failed 4 times"):
        list(ray_engine.in_order(dies_always, [7], doing=lambda _: "reading seven"))


def test_only_a_few_tasks_are_under_way(ray_engine: Ray) -> None:
    taken = 0

    def items() -> Any:
        nonlocal taken
        for item in range(50):
            taken += 1
            yield item

    results = Ray(2).in_order(same, items(), doing=str)
    assert next(results) == 0
    assert taken <= 7
    assert list(results) == list(range(1, 50))
