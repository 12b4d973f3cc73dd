"""Model folders that somebody changed, with the hashes made right again: refused with what is wrong in which file."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from isang.artifact import MANIFEST, load_model, save_model
from isang.errors import InputError
from tests.test_artifact import some_model

NAN, INF = float("nan"), float("inf")
token = pl.col("token")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = some_model()
    folder = tmp_path_factory.mktemp("models") / "model"
    save_model(model, folder)
    planted = pl.DataFrame({"kind": ["a", "b"], **{name: [1.0, 2.0] for name in model.fitted}})
    planted.write_parquet(folder / "planted.parquet")
    forge(folder)
    return folder


def forge(folder: Path) -> None:
    """Make the hashes right."""
    names = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != MANIFEST]
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "bytes": path.stat().st_size,
        }
        for path in names
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps({"schema": 2, "isang": "0", "files": files}))


def changed(folder: Path, copy: Path, name: str, change: Callable[[Path], None]) -> Path:
    for path in folder.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    change(copy / name)
    forge(copy)
    return copy


def config(place: str, value: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        *outer, last = place.split(".")
        inner = content
        for name in outer:
            inner = inner[name]
        inner[last] = value
        path.write_text(json.dumps(content))

    return change


def table(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Path], None]:
    return lambda path: change(pl.read_parquet(path)).write_parquet(path)


def weights(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        save_file({name: change(part).contiguous() for name, part in load_file(path).items()}, path)

    return write


def each(*values: Any) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """The same tokens in each session."""
    tokens = list(values) if values else []
    return lambda frame: frame.with_columns(pl.Series("tokens", [tokens] * len(frame), dtype=pl.List(pl.Int32)))


CONFIG = {
    "settings": (None, [], 5, {"model": None}, {"model": []}, {"evil": {}}),
    "settings.model.width": (16_384, -1, 0, "x", None, 1e300, True, 17),
    "settings.model.heads": (10**9, -1, 0, 3),
    "settings.model.layers": (200, 0, 1.5),
    "settings.model.positions": (65_538, 4),
    "settings.model.expansion": (64, 0),
    "settings.model.dropout": (NAN, 5, "x"),
    "settings.detection.alerts_per_thousand": (0, -1, NAN, 1e300),
    "settings.training.track": ("../../x",),
    "rules": ([], {}, "x"),
    "rules.session": (None, [], {"kind": "evil", "reason": ""}, {"kind": "key", "reason": ""}),
    "rules.session.size": (0, -1, None, NAN, 1e300, "x"),
    "rules.session.pattern": (5, "(", "(?=a)b"),
    "rules.session.gap_seconds": (-5, NAN, 1e300, "x"),
    "rules.masks": (None, [["x", "("]], [[1, 2]], [["x"]], [["m", "(?x) a # "]], [["m", "a)|(b"]]),
    "rules.similarity": (NAN, 1e9, None),
    "rules.tree_depth": (-1, 0, 10**6, 3.5),
    "rules.max_templates": (-1, 0, 10**12),
    "rules.template_words": (0, -1),
    "rules.max_session_events": (0, 1, 10**12),
    "facts": (None, [], "x"),
    "facts.trained_until": ("yesterday", 5),
    "facts.usual_silence_seconds": ("abc", -1, INF),
    "facts.period_sessions": ("x", -1, 1.5),
    "detectors": (None, "x", [1], ["../x"], ["burst", "burst"]),
    "schema": (1, "2", None),
}
TABLES: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], ...]] = {
    "templates.parquet": (
        lambda frame: frame.with_columns(token=pl.lit(None, pl.Int32)),
        lambda frame: frame.with_columns(token=-token),
        lambda frame: frame.with_columns(token=token + 200_000_000),
        lambda frame: frame.with_columns(token.cast(pl.String)),
        lambda frame: frame.with_columns(template=pl.lit(None, pl.String)),
        lambda frame: frame.with_columns(template=token),
        lambda frame: frame.with_columns(template=pl.lit("a " * 100_000)),
        lambda frame: frame.with_columns(event=pl.lit(0, pl.Int32)),
        lambda frame: frame.with_columns(event=pl.col("event").cast(pl.Int64) + 2**40),
        lambda frame: frame.drop("token"),
        lambda frame: frame.head(3),
        lambda frame: frame.head(0),
    ),
    "normal.parquet": (
        each(2, 100_000, 3), each(2, -5, 3), each(), each(2, None, 3), each(*[6] * 200_000),
        lambda frame: frame.with_columns(count=pl.lit(-1, pl.Int64)),
        lambda frame: frame.with_columns(count=pl.lit(0, pl.Int64)),
        lambda frame: frame.with_columns(count=pl.lit(None, pl.Int64)),
        lambda frame: frame.with_columns(count=pl.lit(2**62, pl.Int64)),
        lambda frame: frame.with_columns(count=pl.lit("x")),
        lambda frame: frame.with_columns(tokens=pl.lit("x")),
        lambda frame: frame.drop("tokens"),
        lambda frame: frame.head(0),
    ),
    "calibration.parquet": (
        lambda frame: frame.head(0),
        lambda frame: frame * NAN,
        lambda frame: frame * INF,
        lambda frame: frame.cast(pl.String),
        lambda frame: frame.drop(frame.columns[0]),
        lambda frame: pl.DataFrame({"evil": [1]}),
        lambda frame: pl.select(burst=pl.repeat(1.0, 10_000_000)),
    ),
    "planted.parquet": (
        lambda frame: frame.drop("kind"),
        lambda frame: frame.with_columns(kind=pl.lit(None, pl.String)),
        lambda frame: frame.with_columns(burst=pl.lit(NAN)),
    ),
    "detectors/time_gap.parquet": (
        lambda frame: frame.drop("before"),
        lambda frame: frame.with_columns(before=pl.lit(10**6)),
        lambda frame: frame.with_columns(after=pl.lit(-1)),
        lambda frame: frame.with_columns(count=pl.lit("x")),
        lambda frame: frame.with_columns(at_least_ms=pl.lit(None, pl.Int64)),
    ),
    "detectors/burst.parquet": (
        lambda frame: frame.with_columns(shortest_ms=pl.lit(NAN)),
        lambda frame: frame.with_columns(token=token + 10**6),
    ),
}  # fmt: skip
BYTES = (
    b"",
    b"hello" * 20,
    b"PAR1" * 4,
    b"[" * 200_000,
    b"null",
    b"[]",
    b"\xff\xfe{",
    (2**60).to_bytes(8, "little") + b"{}",
)


@pytest.mark.parametrize(("place", "value"), [(place, value) for place, values in CONFIG.items() for value in values])
def test_changed_settings_are_refused(folder: Path, tmp_path: Path, place: str, value: Any) -> None:
    with pytest.raises(InputError, match=r"config\.json|weights\.safetensors"):
        load_model(changed(folder, tmp_path / "model", "config.json", config(place, value)))


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, all_ in TABLES.items() for n in range(len(all_))])
def test_changed_tables_are_refused(folder: Path, tmp_path: Path, name: str, number: int) -> None:
    with pytest.raises(InputError, match=r"\.parquet|weights\.safetensors"):
        load_model(changed(folder, tmp_path / "model", name, table(TABLES[name][number])))


@pytest.mark.parametrize(
    "change",
    [
        lambda part: part * NAN,
        lambda part: part + INF,
        lambda part: part * 1e30 + 1e30,
        lambda part: part.double(),
        lambda part: part.flatten()[:1],
        lambda part: part.to(torch.int8),
    ],
)
def test_changed_weights_are_refused(
    folder: Path, tmp_path: Path, change: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    with pytest.raises(InputError, match=r"weights\.safetensors"):
        load_model(changed(folder, tmp_path / "model", "weights.safetensors", weights(change)))


@pytest.mark.parametrize("name", ["config.json", "weights.safetensors", *TABLES])
def test_other_content_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    for place, content in enumerate(BYTES):
        with pytest.raises(InputError, match=name):
            load_model(
                changed(folder, tmp_path / str(place), name, lambda path, content=content: path.write_bytes(content))  # type: ignore[misc]
            )


def test_special_files_in_a_folder_are_refused(folder: Path, tmp_path: Path) -> None:
    copy = changed(folder, tmp_path / "model", "config.json", lambda path: None)
    (copy / "config.json").unlink()
    os.mkfifo(copy / "config.json")
    with pytest.raises(InputError, match=r"config\.json"):
        load_model(copy)
    (copy / "config.json").unlink()
    (copy / "config.json").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"config\.json"):
        load_model(copy)
    (copy / MANIFEST).unlink()
    (copy / MANIFEST).symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"manifest\.json"):
        load_model(copy)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_in_a_file_end_in_a_model_or_a_clear_refusal(
    folder: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """Parquet files included: damage that polars ends the whole process over is refused before it reads them."""
    name = data.draw(st.sampled_from(["config.json", *TABLES]))

    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(content)

    try:
        load_model(changed(folder, tmp_path / "model", name, damage))
    except InputError as error:
        assert re.search(r"config\.json|weights\.safetensors|\.parquet", str(error))  # noqa: PT017 - or there is no error
