"""Runs that trackers keep: databases, folders of series, offline files; written here as the tools write them."""

import json
import sqlite3
import struct
import zlib
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isang.errors import InputError
from isang.runs.read.folders import read_runs
from isang.runs.read.table import RunTable

STEPS = range(1, 41)


def losses(step: int) -> float:
    return round(3 / step**0.5, 4)


def assert_is_the_run(table: RunTable, tool: str) -> None:
    assert table.source.format == tool
    assert table.step.tolist() == list(STEPS)
    assert table.column(table.loss).tolist() == [losses(step) for step in STEPS]
    assert table.points("validation_loss")[0].tolist() == [10, 20, 30, 40]
    assert table.column("learning_rate")[0] == 0.001
    source = table.source
    assert sum(source.used.values()) + sum(source.ignored.values()) + source.failed == source.lines


def series() -> dict[str, list[tuple[int, float]]]:
    return {
        "train/loss": [(step, losses(step)) for step in STEPS],
        "val/loss": [(step, losses(step) + 0.1) for step in STEPS if step % 10 == 0],
        "lr": [(step, 0.001) for step in STEPS],
    }


def mlflow_folder(root: Path) -> Path:
    run = root / "mlruns" / "0" / "4f2c9ab07d"
    for name, values in series().items():
        path = run / "metrics" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{1_700_000_000_000 + 500 * step} {value} {step}\n" for step, value in values))
    (run / "meta.yaml").write_text("artifact_uri: mlruns\nrun_id: 4f2c9ab07d\n")
    (run / "tags").mkdir()
    (run / "tags" / "mlflow.runName").write_text("brisk-heron-12")
    (run / "params").mkdir()
    (run / "params" / "lr").write_text("0.001")
    return root / "mlruns"


def mlflow_database(root: Path) -> Path:
    path = root / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250))")
        database.execute(
            "CREATE TABLE metrics (key VARCHAR(250), value DOUBLE, timestamp BIGINT, run_uuid VARCHAR(32), "
            "step BIGINT, is_nan BOOLEAN)"
        )
        database.execute("INSERT INTO runs VALUES ('4f2c9ab07d', 'brisk-heron-12')")
        for name, values in series().items():
            rows = [(name, value, 1_700_000_000_000 + 500 * step, "4f2c9ab07d", step, 0) for step, value in values]
            database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.commit()
    return path


def trackio_database(root: Path) -> Path:
    path = root / "project.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, timestamp TEXT NOT NULL, "
            "run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL)"
        )
        for step in STEPS:
            entry = {name: dict(values)[step] for name, values in series().items() if step in dict(values)}
            moment = f"2026-01-05T09:00:{step:02d}"
            database.execute(
                "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)",
                (moment, "quiet-lake-3", step, json.dumps(entry)),
            )
        database.commit()
    return path


def dvclive_folder(root: Path) -> Path:
    for name, values in series().items():
        path = root / "dvclive" / "plots" / "metrics" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = "".join(f"{1_700_000_000_000 + 500 * step}\t{step}\t{value}\n" for step, value in values)
        path.write_text(f"timestamp\tstep\t{path.stem}\n{rows}")
    (root / "dvclive" / "metrics.json").write_text('{"step": 40, "lr": 0.001}')
    return root / "dvclive"


def message(number: int, content: bytes | int) -> bytes:
    """One protobuf field."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def items(values: dict[str, Any], nested: bool) -> bytes:
    """`nested`: newer versions name the key in field 2."""
    key = 2 if nested else 1
    return b"".join(
        message(1, message(key, name.encode()) + message(16, json.dumps(value).encode()))
        for name, value in values.items()
    )


def in_pieces(records: list[bytes]) -> bytes:
    """A LevelDB log with W&B's header."""
    out = bytearray(b":W&B" + struct.pack("<HB", 0xBEE1, 0))
    for record in records:
        first = True
        while True:
            room = 32_768 - len(out) % 32_768
            if room < 7:
                out += b"\0" * room
                continue
            part, record = record[: room - 7], record[room - 7 :]
            kind = (1 if not record else 2) if first else (4 if not record else 3)
            out += struct.pack("<IHB", zlib.crc32(part, zlib.crc32(bytes([kind]))), len(part), kind) + part
            first = False
            if not record:
                break
    return bytes(out)


def wandb_file(root: Path, *, nested: bool = True) -> Path:
    folder = root / "wandb" / "offline-run-20260105_090738-a1b2c3"
    (folder / "logs").mkdir(parents=True)
    (folder / "logs" / "debug.log").write_text("2026-01-05 09:07:38,123 INFO step: 1 loss: 9\n")
    config = items({"batch_size": {"value": 32}, "epochs": 4, "note": "x" * 50_000}, nested)
    records = [message(17, message(1, b"a1b2c3") + message(4, config))]
    for step in STEPS:
        entry: dict[str, Any] = {name: dict(v)[step] for name, v in series().items() if step in dict(v)}
        entry |= {"_timestamp": 1.7e9 + step, "_runtime": float(step)}
        body = items(entry if nested else {**entry, "_step": step}, nested)
        records.append(message(1, step) + message(2, body + (message(2, message(1, step)) if nested else b"")))
    records.append(message(18, message(1, 0)))
    path = folder / "run-a1b2c3.wandb"
    path.write_bytes(in_pieces(records))
    return path


def test_the_file_store_of_mlflow(tmp_path: Path) -> None:
    (table,) = read_runs(mlflow_folder(tmp_path))
    assert_is_the_run(table, "mlflow file store")
    assert table.name == "brisk-heron-12"
    assert table.facts["started"].startswith("2023-11-14")


def test_a_database_of_mlflow_with_its_way_of_writing_nan(tmp_path: Path) -> None:
    path = mlflow_database(tmp_path)
    (table,) = read_runs(path)
    assert_is_the_run(table, "mlflow database")
    assert table.name == "brisk-heron-12"
    with closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO metrics VALUES ('train/loss', 0, 1700000100000, '4f2c9ab07d', 41, 1)")
        database.commit()
    (table,) = read_runs(path)
    assert table.logged_nan[table.loss].tolist() == [40]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["mlflow.db"]  # nothing written beside it


def test_metrics_that_were_logged_without_steps_are_numbered(tmp_path: Path) -> None:
    path = mlflow_database(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE metrics SET step = 0")
        database.execute("DELETE FROM metrics WHERE key <> 'train/loss'")
        database.commit()
    (table,) = read_runs(path)
    assert table.step.tolist() == list(STEPS)


def test_a_database_of_trackio(tmp_path: Path) -> None:
    (table,) = read_runs(trackio_database(tmp_path))
    assert_is_the_run(table, "trackio database")
    assert table.name == "quiet-lake-3"
    assert table.facts["ended"] == "2026-01-05T09:00:40"


def test_a_folder_of_dvclive_is_one_run(tmp_path: Path) -> None:
    (table,) = read_runs(dvclive_folder(tmp_path))
    assert_is_the_run(table, "dvclive")
    assert table.name == "dvclive"


@pytest.mark.parametrize("nested", [True, False])
def test_an_offline_run_of_wandb(tmp_path: Path, nested: bool) -> None:
    path = wandb_file(tmp_path, nested=nested)
    (table,) = read_runs(path)
    assert_is_the_run(table, "wandb offline run")
    assert (table.facts["batch_size"], table.facts["epochs"]) == (32, 4)
    (same,) = read_runs(path.parent)  # its debug logs are no runs
    assert same.step.tolist() == table.step.tolist()


def test_a_damaged_piece_of_an_offline_run_costs_its_block_only(tmp_path: Path) -> None:
    path = wandb_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[20_000] ^= 1  # in the configuration, whose record fills the first block
    path.write_bytes(content)
    (table,) = read_runs(path)
    assert table.source.failed == 1
    assert table.step.tolist() == list(STEPS)


def test_several_runs_of_a_database_come_out_as_several(tmp_path: Path) -> None:
    path = trackio_database(tmp_path)
    with closing(sqlite3.connect(path)) as database:
        copied = "SELECT timestamp, 'second', step, metrics FROM metrics"
        database.execute(f"INSERT INTO metrics (timestamp, run_name, step, metrics) {copied}")
        database.commit()
    assert [table.name for table in read_runs(path)] == ["quiet-lake-3", "second"]


def test_a_database_of_something_else_and_a_view_that_plays_the_table(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE people (name TEXT)")
        database.execute(
            "CREATE VIEW metrics AS WITH RECURSIVE n(run_name, step, timestamp, metrics) AS "
            "(SELECT 'a', 1, '', '{}' UNION ALL SELECT 'a', step + 1, '', '{}' FROM n) SELECT * FROM n"
        )
        database.commit()
    with pytest.raises(InputError, match="no training log"):
        read_runs(path)


@pytest.mark.parametrize("make", [mlflow_database, trackio_database, wandb_file])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_gives_runs_or_an_input_error(tmp_path_factory: Any, make: Any, data: st.DataObject) -> None:
    path = make(tmp_path_factory.mktemp("damaged"))
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 30))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    try:
        tables = read_runs(path)
    except InputError:
        return
    assert all(len(table.step) for table in tables)


LINES = {
    "fairseq": (
        "2026-01-05 09:07:38 | INFO | train_inner | epoch 001:    100 / 1500 loss=9.374, nll_loss=8.61, ppl=390.6, "
        "wps=53210, ups=4.2, wpb=12664, bsz=448, num_updates=100, lr=1.25e-05, gnorm=2.11, clip=0, train_wall=24, "
        "wall=31",
        100, 9.374, 1.25e-5,
    ),
    "megatron": (
        " [2026-01-05 09:07:38] iteration       10/  500000 | consumed samples:         2560 | elapsed time per "
        "iteration (ms): 1832.4 | learning rate: 1.500E-06 | global batch size:   256 | lm loss: 1.083E+01 | loss "
        "scale: 4294967296.0 | grad norm: 7.211 | number of skipped iterations:   0 | number of nan iterations:   0 |",
        10, 10.83, 1.5e-6,
    ),
    "torchtune": ("Step 7 | loss:1.8439275 lr:2e-05 tokens_per_second_per_gpu:812.4 peak_memory_active:12.1",
                  7, 1.8439275, 2e-5),
    "nanogpt": ("iter 120: loss 6.2034, time 214.31ms, mfu 17.25%", 120, 6.2034, None),
    "nanochat": ("step 00042/21400 (0.20%) | loss: 7.345678 | lrm: 1.00 | dt: 451.20ms | tok/sec: 1,161,000",
                 42, 7.345678, None),
}  # fmt: skip


@pytest.mark.parametrize("tool", LINES)
def test_a_line_of_each_tool(tmp_path: Path, tool: str) -> None:
    line, step, loss, rate = LINES[tool]
    path = tmp_path / "train.log"
    path.write_text(f"starting\n{line}\n")
    (table,) = read_runs(path)
    assert table.step.tolist() == [step]
    assert table.column(table.loss).tolist() == [loss]
    if rate is not None:
        assert table.column("learning_rate").tolist() == [rate]


def test_deepspeed_names_step_and_rate(tmp_path: Path) -> None:
    path = tmp_path / "ds.log"
    path.write_text(
        "".join(
            f"[2026-01-05 09:07:{n:02d},000] [INFO] [logging.py:96:log_dist] [Rank 0] step={10 * n}, skipped=0, "
            f"lr=[9.65e-06, 0.0005], mom=[(0.9, 0.95)]\nsteps: {10 * n} loss: {3 - n / 10:.4f} iter time (s): 0.51\n"
            for n in range(1, 6)
        )
    )
    (table,) = read_runs(path)
    assert table.column(table.loss).tolist() == [2.9, 2.8, 2.7, 2.6, 2.5]
    assert table.step.tolist() == [10, 20, 30, 40, 50]


def test_keras_writes_one_row_per_epoch(tmp_path: Path) -> None:
    path = tmp_path / "training.csv"
    rows = "".join(f"{e},{0.5 + e / 10},{2 / (e + 1)},{0.4 + e / 10},{2.2 / (e + 1)}\n" for e in range(8))
    path.write_text(f"epoch,accuracy,loss,val_accuracy,val_loss\n{rows}")
    (table,) = read_runs(path)
    assert table.source.format == "keras csv log"
    assert table.step.tolist() == list(range(8))
    assert table.column(table.loss)[0] == 2.0
    assert table.column("validation_loss")[1] == 1.1


def test_ultralytics_pads_its_names_and_leaves_cells_out(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    names = ["epoch", "train/box_loss", "train/cls_loss", "metrics/mAP50(B)", "val/box_loss", "lr/pg0"]
    rows = [
        f"{epoch:>23},{1.9 / epoch:>23.5f},{2.5 / epoch:>23.5f},{'' if epoch == 3 else 0.1 * epoch:>23},"
        f"{2.0 / epoch:>23.5f},{0.001:>23}"
        for epoch in range(1, 9)
    ]
    path.write_text("\n".join([",".join(f"{name:>23}" for name in names), *rows]) + "\n")
    (table,) = read_runs(path)
    assert table.source.format == "ultralytics results"
    assert table.step.tolist() == list(range(1, 9))
    assert table.column(table.loss)[1] == (1.9 + 2.5) / 2
    assert table.column("validation_loss")[1] == 1.0
    assert table.column("learning_rate")[0] == 0.001
