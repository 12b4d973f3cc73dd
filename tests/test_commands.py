"""The commands as a person runs them, on a log made from synthetic sessions with known truth."""

import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from isang.artifact import REQUIRED, load_model
from isang.logs.store import read_dataset
from isang.stages import detect, follow
from tests.commands import isang, isang_alone
from tests.synthetic import BROWSE, RARE, STEPS, shop_dataset, shop_labels, shop_log

SETTINGS = """
[model]
preset = "tiny"
[training]
min_steps = 150
learning_rate = 3e-3
"""
ISANG = (sys.executable, "-m", "isang")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log, its labels, settings for a quick run, and `out`, what `isang run` made of them."""
    folder = tmp_path_factory.mktemp("commands")
    dataset = shop_dataset(800, anomalous_every=10)
    (folder / "shop.log").write_text(shop_log(dataset))
    (folder / "labels.csv").write_text(shop_labels(dataset))
    (folder / "isang.toml").write_text(SETTINGS)
    result = isang_alone(
        "run", folder / "shop.log", "--labels", folder / "labels.csv", "--out", folder / "out",
        "--config", folder / "isang.toml",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    (folder / "stdout.txt").write_text(result.stdout)
    return folder


def test_run_writes_everything_that_the_design_names(place: Path) -> None:
    out = place / "out"
    assert {path.name for path in out.iterdir()} == {
        "data",
        "run",
        "index.html",
        "incidents.json",
        "anomalies.jsonl",
        "kept_sessions.jsonl",
        "run.json",
    }
    assert {path.name for path in (out / "data").iterdir()} == {
        "sessions.parquet", "templates.parquet", "slots.parquet", "places.parquet", "line_index.parquet",
        "line_counts.parquet", "slot_series.parquet",
        "meta.json",
    }  # fmt: skip
    assert {path.name for path in (out / "run").iterdir()} == {
        "logs", "metrics.jsonl", "checkpoints", "model", "report",
    }  # fmt: skip
    others = {
        "weights.safetensors", "detectors", "planted.parquet", "slots.parquet", "lines.parquet", "held_out.parquet",
        "logs", "volume.parquet",
        "evaluation.json", "precision_recall.svg", "scores.svg",
    }  # fmt: skip
    assert {path.name for path in (out / "run" / "model").iterdir()} == {*REQUIRED, *others, "manifest.json"}
    pages = {path.name for path in (out / "run" / "report").iterdir()}
    assert {"report.html", "report.md", "report.json", "training_curves.png"} <= pages
    assert len([name for name in pages if name.endswith(".svg")]) == 6
    assert not list(place.glob("*.partial"))


def test_run_finds_the_session_key_and_trains_on_earlier_normal_sessions_only(place: Path) -> None:
    dataset = read_dataset(place / "out" / "data")
    assert dataset.sessions["session_id"].str.contains("rs00000").any()
    assert len(dataset.sessions) == 800
    facts = load_model(place / "out" / "run").facts
    assert facts["training_sessions"] + facts["left_out_as_anomalous"] < 400
    assert facts["trained_until"] < dataset.sessions["start"][401].isoformat()


def test_run_measures_its_quality_and_says_so(place: Path) -> None:
    evaluation = json.loads((place / "out" / "run" / "model" / "evaluation.json").read_text())
    assert evaluation["measured"]
    assert evaluation["metrics"]["recall"]["value"] > 0.9
    printed = (place / "stdout.txt").read_text()
    assert "anomalies.jsonl" in printed
    assert "index.html" in printed
    assert f"{evaluation['metrics']['f1']['value']:.3f}" in printed
    report = json.loads((place / "out" / "run" / "report" / "report.json").read_text())
    quality = next(finding for finding in report["findings"] if finding["id"] == "measured_quality")
    assert quality["verdict"] != "not_applicable", "the evaluation has entered the report"


def test_anomalies_point_at_the_raw_lines(place: Path) -> None:
    raw = (place / "shop.log").read_text().splitlines()
    records = [json.loads(line) for line in (place / "out" / "anomalies.jsonl").read_text().splitlines()]
    assert records
    scores = [record["score"] for record in records]
    assert scores == sorted(scores, reverse=True)
    lines = [reason["line"] for record in records for reason in record["reasons"] if reason["line"]]
    assert all(raw[line["number"] - 1] == line["text"] for line in lines)
    unseen = [
        reason for record in records for reason in record["reasons"] if reason["detector"] == "unseen_event"
    ]  # fmt: skip
    assert unseen
    assert all(RARE.split("<")[0] in reason["line"]["text"] for reason in unseen)
    missing = [
        item["template"] for record in records for reason in record["reasons"] for item in reason.get("missing", ())
    ]
    assert any(STEPS[6] in template for template in missing)
    groups = {}
    for record in records:
        said = [(reason["detector"], (reason["line"] or {}).get("template")) for reason in record["reasons"]]
        assert groups.setdefault(record["group"], said) == said, "like anomalies have like reasons"
    assert 1 < len(groups) < len(records)


def test_a_stage_can_be_repeated_alone(place: Path, tmp_path: Path) -> None:
    """prepare → train → evaluate → detect gives what `run` gave."""
    data, run = tmp_path / "data", tmp_path / "run"
    assert isang("prepare", place / "shop.log", "--labels", place / "labels.csv", "--out", data).returncode == 0
    assert (data / "sessions.parquet").read_bytes() == (place / "out" / "data" / "sessions.parquet").read_bytes()
    assert isang("train", data, "--out", run, "--config", place / "isang.toml").returncode == 0
    again = isang("train", data, "--out", run, "--config", place / "isang.toml")
    assert again.returncode == 2
    assert "--overwrite" in again.stderr
    evaluated = json.loads(isang("evaluate", run, data, "--json", "--out", tmp_path / "quality").stdout)
    written = {path.name: path.read_text() for path in (tmp_path / "quality").iterdir()}
    assert set(written) == {"evaluation.json", "precision_recall.svg", "scores.svg"}
    assert json.loads(written["evaluation.json"]) == evaluated
    assert (run / "model" / "scores.svg").read_text() == written["scores.svg"]
    assert isang("evaluate", run, data, "--out", tmp_path / "quality").returncode == 2, "what is there is not replaced"
    before = json.loads((place / "out" / "run" / "model" / "evaluation.json").read_text())
    assert evaluated["counts"] == before["counts"]
    found = isang("detect", run, place / "shop.log", "--json")
    assert found.stdout == (place / "out" / "anomalies.jsonl").read_text()
    reported = json.loads(isang("report", run, "--json").stdout)
    assert reported["schema"] == 1


def test_labels_can_come_later_and_from_standard_input_too(place: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with (place / "shop.log").open() as text:
        result = isang("prepare", "-", "--out", data, stdin=text)
    assert result.returncode == 0
    assert read_dataset(data).sessions["label"].is_null().all()
    run = place / "out" / "run"
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    unlabelled = json.loads(isang("evaluate", copy, data, "--json").stdout)
    assert not unlabelled["measured"]
    labelled = json.loads(isang("evaluate", copy, data, "--labels", place / "labels.csv", "--json").stdout)
    assert labelled["measured"]
    assert labelled["counts"] == load_model(run).evaluation["counts"]  # type: ignore[index]


def test_a_second_run_into_the_same_folder_is_refused_and_changes_nothing(place: Path) -> None:
    before = (place / "out" / "anomalies.jsonl").stat().st_mtime_ns
    result = isang("run", place / "shop.log", "--out", place / "out")
    assert result.returncode == 2
    assert "--overwrite" in result.stderr
    assert (place / "out" / "anomalies.jsonl").stat().st_mtime_ns == before


def test_an_unfinished_attempt_is_not_thrown_away_unasked(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "out" / "data", tmp_path / "out.partial" / "data")
    result = isang("run", place / "shop.log", "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "holds an unfinished attempt; continue with --resume" in result.stderr
    assert (tmp_path / "out.partial" / "data" / "meta.json").exists()


@pytest.mark.parametrize("stage", ["data", "training", "model"])
def test_a_kill_leaves_the_earlier_state_and_resume_completes_it(place: Path, tmp_path: Path, stage: str) -> None:
    """`isang run --overwrite` is killed within a stage: the earlier result stands; --resume then replaces it."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "run.json").write_text("earlier")
    command = [
        "run", str(place / "shop.log"), "--labels", str(place / "labels.csv"), "--out", str(out),
        "--config", str(place / "isang.toml"), "--overwrite",
    ]  # fmt: skip
    growing = tmp_path / "out.partial"
    sign = {
        "data": growing / "run.json",
        "training": growing / "run.partial" / "metrics.jsonl",
        "model": growing / "run" / "model" / "manifest.json",
    }[stage]
    with subprocess.Popen([*ISANG, *command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        while not sign.exists() and process.poll() is None:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
    assert [path.read_text() for path in out.iterdir()] == ["earlier"]
    resumed = isang(*command, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert (out / "anomalies.jsonl").read_text() == (place / "out" / "anomalies.jsonl").read_text()
    assert not growing.exists()


def test_a_full_disk_is_said_and_leaves_nothing_behind(place: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    result = isang_alone("prepare", place / "shop.log", "--out", tmp_path / "data", limit=limit)
    assert result.returncode == 1
    assert f"cannot write {tmp_path / 'data'}: File too large" in result.stderr
    assert list(tmp_path.iterdir()) == []


def one_line(path: Path) -> None:
    path.write_text("2026-01-05 09:00:00,000 INFO [web] shop.Service: started request=r1\n")


def one_template(path: Path) -> None:
    path.write_text("".join(f"2026-01-05 09:{n // 60:02d}:{n % 60:02d},000 INFO a: beat {n}\n" for n in range(3_000)))


def cut_gzip(path: Path) -> None:
    path.write_bytes(gzip.compress(os.urandom(100_000))[:50])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.mkdir(), "no log"),
        (lambda path: path.write_bytes(bytes(range(256)) * 100), "binary"),
        (cut_gzip, "shop.log"),
        (one_line, "from fewer than 20 nothing can be said"),
    ],
    ids=["no such file", "empty file", "empty folder", "binary", "truncated gzip", "one line"],
)
def test_input_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / "shop.log")
    result = isang("run", tmp_path / "shop.log", "--out", tmp_path / "out")
    assert result.returncode == 1
    assert message in result.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"shop.log"}, "nothing is left behind"


def test_a_log_too_small_to_learn_from_is_still_told_about(tmp_path: Path) -> None:
    lines = [f"2026-01-05 09:{n // 60:02d}:{n % 60:02d},000 INFO beat {n} of 9 done\n" for n in range(70)]
    lines[50] = "2026-01-05 09:00:50,500 ERROR heart stood still for 7 s\n"
    (tmp_path / "small.log").write_text("".join(lines))
    result = isang("run", tmp_path / "small.log", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert "too few to train on" in result.stdout
    found = json.loads((tmp_path / "out" / "incidents.json").read_text())["incidents"]
    assert found[0]["title"].startswith("Heart stood still for …: 1 line since 09:00:50; not in the first half")
    assert (tmp_path / "out" / "anomalies.jsonl").read_text() == ""


def test_a_log_with_one_template_still_runs_to_the_end(tmp_path: Path) -> None:
    one_template(tmp_path / "beat.log")
    (tmp_path / "isang.toml").write_text(SETTINGS)
    result = isang(
        "run", tmp_path / "beat.log", "--out", tmp_path / "out", "--config", tmp_path / "isang.toml", "--window", "20"
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "quality is not measured" in result.stdout


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("request_id,label\nnobody,1\n", "nobody"),
        ("request_id,label\nrs000000f,1\nrs000000f,0\n", "rs000000f"),
        ("name,colour\na,b\n", "name, colour"),
        ("request_id,label\nrs000000f,perhaps\n", "perhaps"),
        ("", "labels.csv"),
    ],
    ids=["unknown sessions", "contradiction", "columns", "values", "empty"],
)
def test_labels_that_cannot_be_used_are_one_clear_line(place: Path, tmp_path: Path, labels: str, message: str) -> None:
    (tmp_path / "labels.csv").write_text(labels)
    result = isang(
        "prepare", place / "shop.log", "--labels", tmp_path / "labels.csv", "--out", tmp_path / "data"
    )  # fmt: skip
    assert result.returncode == 1
    assert message in result.stderr
    assert not (tmp_path / "data").exists()


def test_line_ends_and_invalid_bytes_change_nothing_but_their_count(place: Path, tmp_path: Path) -> None:
    text = (place / "shop.log").read_bytes()
    (tmp_path / "shop.log").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")[:-2])
    assert isang("prepare", tmp_path / "shop.log", "--out", tmp_path / "crlf").returncode == 0
    plain = read_dataset(place / "out" / "data").sessions
    assert read_dataset(tmp_path / "crlf").sessions.drop("label").equals(plain.drop("label"))
    (tmp_path / "broken.log").write_bytes(text.replace(b"cart was read", b"cart was \xff\xfe", 3))
    broken = isang("prepare", tmp_path / "broken.log", "--out", tmp_path / "broken", "--encoding", "utf-8")
    assert broken.returncode == 0, broken.stderr
    assert read_dataset(tmp_path / "broken").meta["not_decoded"] == 3


def test_a_changed_model_is_refused(place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "out" / "run" / "model", tmp_path / "model")
    with (tmp_path / "model" / "weights.safetensors").open("r+b") as file:
        file.seek(-4, os.SEEK_END)
        file.write(b"\0\0\0\1")
    result = isang("detect", tmp_path / "model", place / "shop.log")
    assert result.returncode == 1
    assert "weights.safetensors differs from the manifest" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "x.log", "--epochs", "many"),
        ("run", "x.log", "--window", "5 apples"),
        ("train", "x", "--out", "y", "--preset", "huge"),
        ("nonsense",),
    ],
    ids=" ".join,
)
def test_wrong_usage_leaves_with_2(arguments: tuple[str, ...]) -> None:
    assert isang(*arguments).returncode == 2


def test_the_version_is_printed() -> None:
    import isang as package

    assert isang_alone("--version").stdout == f"isang {package.__version__}\n"


def test_places_that_cannot_be_written_are_named(place: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    below = isang("prepare", place / "shop.log", "--out", tmp_path / "file" / "data")
    assert below.returncode == 1
    assert "file" in below.stderr
    itself = isang("prepare", place / "shop.log", "--out", tmp_path / "file")
    assert itself.returncode == 2
    assert (tmp_path / "file").read_text() == "mine"


def test_a_dry_run_shows_how_logs_are_read_and_writes_nothing(place: Path, tmp_path: Path) -> None:
    (tmp_path / "shop.log").write_bytes((place / "shop.log").read_bytes())
    result = isang("prepare", tmp_path / "shop.log", "--dry-run")
    assert result.returncode == 0, result.stderr
    assert "first lines, as read:" in result.stdout
    assert "sessions: " in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["shop.log"]
    without = isang("prepare", tmp_path / "shop.log")
    assert without.returncode == 2
    assert "--dry-run" in without.stderr


def test_masks_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("".join(f"item {name} sold\n" for name in ("RED", "BLUE") * 9))
    result = isang("prepare", tmp_path / "a.log", "--dry-run", "--mask", "item=(?:RED|BLUE)")
    assert "  item <*> sold\n" in result.stdout
    for wrong in ("item", "=x", "item=(", "item=(?<=x)y"):
        refused = isang("prepare", tmp_path / "a.log", "--dry-run", "--mask", wrong)
        assert refused.returncode == 2
        assert "mask" in refused.stderr


def followed(place: Path, *arguments: object, text: str) -> subprocess.CompletedProcess[str]:
    """`isang detect --follow` on standard input."""
    command = [*ISANG, "detect", str(place / "out" / "run"), "-", "--follow", *map(str, arguments)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_following_finds_what_detect_finds(place: Path) -> None:
    """The same decisions, lines and reasons; only the order and the groups' sizes so far differ."""
    result = followed(place, "--json", "--idle", "1h", text=(place / "shop.log").read_text())
    assert result.returncode == 0, result.stderr
    assert "sessions were anomalous" in result.stderr
    told = [json.loads(line) for line in result.stdout.splitlines()]
    at_once = {record["session_id"] for record in told if record["ended"] == "goes on"}
    live = {record["session_id"]: record for record in told if record["ended"] != "goes on"}
    assert at_once <= live.keys(), "what is told while a session goes on holds at its end"
    assert len(told) == len(at_once) + len(live), "nothing is told twice"
    lines = (place / "out" / "anomalies.jsonl").read_text().replace('"shop.log"', '"stdin"').splitlines()
    for record in map(json.loads, lines):
        same = live.pop(record["session_id"])
        assert same.pop("ended") in ("silent", "end")
        for number in ("group", "group_size", "score", "p_value", "detectors"):
            assert record.pop(number) is not None
            assert same.pop(number) is not None
        assert same["reasons"][0]["line"] == record["reasons"][0]["line"]
        assert [(reason["detector"], reason["says"]) for reason in same["reasons"]] == [
            (reason["detector"], reason["says"]) for reason in record["reasons"]
        ]
        assert not record.pop("smaller"), "a log that goes on is not compared with stretches as a whole"
        assert same.keys() == record.keys()
        assert same["events"] == record["events"]
    assert not live


def test_an_exported_encoder_finds_what_torch_finds(place: Path, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra isang[onnx]")
    pytest.importorskip("onnxruntime", reason="needs the extra isang[onnx]")
    run, log, file = place / "out", place / "shop.log", tmp_path / "model.onnx"
    assert isang("export", run, "--out", file).returncode == 0
    found = isang("detect", run, log, "--json", "--onnx", file)
    sessions = [(record["session_id"], record["score"]) for record in map(json.loads, found.stdout.splitlines())]
    assert sessions == [(record["session_id"], record["score"]) for record in detect(run, [log]).anomalies]
    refused = isang("detect", run, log, "--follow", "--onnx", place / "isang.toml")
    assert (refused.returncode, "is no ONNX file" in refused.stderr) == (1, True)


def test_following_goes_on_where_it_was_stopped(place: Path, tmp_path: Path) -> None:
    """Stopped at any moment by SIGTERM and started again, while lines come: each anomaly is told once, and whole.

    Python's own output without a buffer, as containers often have it, would lose what a signal cuts off.
    """
    unbuffered = {**os.environ, "PYTHONUNBUFFERED": "1"}
    log, state, run = tmp_path / "shop.log", tmp_path / "state", place / "out" / "run"
    lines = (place / "shop.log").read_text().splitlines(keepends=True)
    command = [*ISANG, "detect", str(run), str(log), "--follow", "--json", "--idle", "90s", "--state", str(state)]
    found = []
    for part in (lines[:3_003], lines[3_003:]):
        with log.open("a") as file:
            file.writelines(part)
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=unbuffered
        ) as process:
            assert process.stderr is not None
            assert "following; a session ends after 90 seconds of silence" in process.stderr.readline()
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            found += process.communicate()[0].splitlines()
        assert process.returncode == 143
        assert state.exists()
    rest = follow(run, [log], idle_seconds=90, state=state)
    while (polled := rest.poll())[0]:
        found += [json.dumps(record) for record in polled[1]]
    found += [json.dumps(record) for record in rest.finish()]
    rest.close()
    told = [record["session_id"] for record in map(json.loads, found) if record["ended"] != "goes on"]
    expected = [json.loads(line)["session_id"] for line in (place / "out" / "anomalies.jsonl").read_text().splitlines()]
    assert sorted(told) == sorted(expected)


def test_a_burst_is_told_from_when_it_is_one_also_over_a_restart(place: Path, tmp_path: Path) -> None:
    """Synthetic: sixty visits in fifteen seconds. What is told live is told of the finished log, which knows more."""
    usual = shop_dataset(800).sessions[700:750]
    visit = usual.filter(pl.col("events").list.len() == len(BROWSE))[:1]
    later = pl.duration(milliseconds=300 + 250 * pl.int_range(60))
    copies = pl.concat([visit] * 60).with_columns(
        session_id=pl.format("s9{}", pl.int_range(1000, 1060)), start=pl.col("start") + later, end=pl.col("end") + later
    )
    dataset = replace(shop_dataset(800), sessions=pl.concat([usual, copies]))
    log, state, run = tmp_path / "shop.log", tmp_path / "state", place / "out" / "run"
    lines = shop_log(dataset).splitlines(keepends=True)
    log.touch()
    told: list[dict[str, Any]] = []
    for part in (lines[:300], lines[300:]):
        following = follow(run, [log], idle_seconds=1, state=state)
        for begin in range(0, len(part), 10):
            with log.open("a") as file:
                file.writelines(part[begin : begin + 10])
            told += following.poll()[1]
        following.save()
        following.close()
    told += following.finish()
    live = [record["session_id"] for record in told if record["reasons"][0]["detector"] == "burst"]
    found = [record for record in detect(run, [log]).anomalies if record["reasons"][0]["detector"] == "burst"]
    at_once = {record["session_id"]: record["start"] for record in found}
    assert len(live) == len(set(live))
    assert set(live) <= at_once.keys()
    missed = at_once.keys() - set(live)
    assert 0 < len(missed) < 8, "until there were eight it was no crowd"
    assert max(at_once[name] for name in missed) < min(at_once[name] for name in live)
    assert len([name for name in live if name.startswith("rs91")]) >= 52


def test_a_line_never_seen_before_is_told_while_its_session_goes_on(place: Path, tmp_path: Path) -> None:
    lines = (place / "shop.log").read_text().splitlines(keepends=True)
    rare = next(line for line in lines if RARE.split("<")[0] in line)
    (tmp_path / "shop.log").write_text("".join(lines[:20]))
    following = follow(place / "out" / "run", [tmp_path / "shop.log"], idle_seconds=3600)
    while following.poll()[0]:
        pass
    with (tmp_path / "shop.log").open("a") as file:
        file.write(rare)
    _, found = following.poll()
    assert [(record["ended"], len(record["reasons"])) for record in found] == [("goes on", 1)]
    assert found[0]["reasons"][0]["line"]["text"] == rare.rstrip()
    assert found[0]["reasons"][0]["line"]["number"] == 21
    with (tmp_path / "shop.log").open("a") as file:
        file.write(rare)
    assert following.poll()[1] == [], "once"


@pytest.mark.parametrize(
    ("make", "code", "message"),
    [
        (lambda path: os.mkfifo(path), 2, "follow a pipe as standard input"),
        (lambda path: (path.mkdir(), (path / "photo.png").write_bytes(b"x")), 1, "holds no logs"),
        (lambda path: path.write_bytes(bytes(range(256)) * 100), 1, "is binary"),
        (lambda path: path.with_name("state").write_text("mine"), 1, "is no state of isang detect --follow"),
    ],
    ids=["pipe", "folder without logs", "binary file", "another file as state"],
)
def test_what_cannot_be_followed_is_said(
    place: Path, tmp_path: Path, make: Callable[[Path], object], code: int, message: str
) -> None:
    make(tmp_path / "shop.log")
    before = sorted(path.name for path in tmp_path.iterdir())
    result = isang(
        "detect", place / "out" / "run", tmp_path / "shop.log", "--follow", "--state", tmp_path / "state"
    )  # fmt: skip
    assert result.returncode == code
    assert message in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments", [("x.log", "--idle", "5s"), ("x.log", "--state", "s"), ("-", "x.log", "--follow")], ids=" ".join
)
def test_wrong_usage_of_following_leaves_with_2(place: Path, arguments: tuple[str, ...]) -> None:
    assert isang("detect", place / "out" / "run", *arguments).returncode == 2


def test_detect_prints_a_screen_and_says_where_the_rest_is(place: Path, tmp_path: Path) -> None:
    run = place / "out" / "run"
    short = isang("detect", run, place / "shop.log", "--out", tmp_path / "found", "--lang", "en")
    lines = short.stdout.splitlines()
    assert len(lines) <= 25, short.stdout
    assert "sessions are anomalous, in" in lines[0]
    assert lines[-1].startswith(f"look at {tmp_path / 'found' / 'index.html'}")
    assert (tmp_path / "found" / "index.html").is_file()
    refused = isang("detect", run, place / "shop.log", "--out", tmp_path / "found")
    assert refused.returncode == 2
    assert "replace them with --overwrite" in refused.stderr
    assert '<html lang="en"' in (tmp_path / "found" / "index.html").read_text(encoding="utf-8")
    again = isang(
        "detect", run, place / "shop.log", "--out", tmp_path / "found", "--overwrite", "--verbose", "--lang", "ko"
    )
    assert again.returncode == 0, again.stderr
    assert '<html lang="ko"' in (tmp_path / "found" / "index.html").read_text(encoding="utf-8")
    pageless = isang("detect", run, place / "shop.log", "--lang", "ko")
    assert pageless.returncode == 2
    assert "give --out" in pageless.stderr
    assert "sessions:" in again.stdout
    assert "--out DIR writes a page" in isang("detect", run, place / "shop.log").stdout
