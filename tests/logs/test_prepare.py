"""From raw logs to a dataset: the account adds up, rules repeat, bad input is said."""

import gzip
import io
import os
import sys
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.logs import prepare as stage
from isang.logs.input.chunks import read_chunks
from isang.logs.input.sources import Source
from isang.logs.prepare import Prepared, prepare, prepare_folder
from isang.logs.preview import preview
from isang.logs.rules import Rules
from isang.logs.sessions.external_sort import SortedRows
from isang.logs.sessions.labels import read_labels
from isang.logs.store import read_dataset, write_dataset
from isang.samples import shop
from isang.summaries import of_preview

LINE = "2024-06-09 14:{:02d}:{:02d},000 INFO [main] a.B: {} id=req{:08d}"


def request_lines(count: int = 30, *, first: int = 0) -> list[str]:
    """Four lines per request."""
    steps = ("open cart", "add item 17 to cart", "pay 9.50 EUR", "close cart")
    return [
        LINE.format(n // 60 % 60, n % 60, step, n)
        for n in range(first, first + count)
        for step in steps
    ]  # fmt: skip


def prepared(tmp_path: Path, files: dict[str, str | bytes], **settings: Any) -> Prepared:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return prepare([str(tmp_path / name) for name in files], LogsConfig(**settings))


def adds_up(meta: dict[str, Any]) -> bool:
    counts = [meta, *meta["sources"]]
    parts = ("used", "without_key", "continued", "blank", "not_matched")
    return all(count["lines"] == sum(count[part] for part in parts) for count in counts)


def test_a_log_becomes_sessions(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"app.log": "\n".join(request_lines()) + "\n"})
    sessions, meta = found.dataset.sessions, found.dataset.meta
    assert sessions["session_id"].to_list() == [f"req{n:08d}" for n in range(30)]
    assert sessions["events"].to_list() == [[0, 1, 2, 3]] * 30
    assert found.dataset.templates.select("event", "template", "level", "count").rows() == [
        (0, "open cart id=<*>", "INFO", 30),
        (1, "add item <*> to cart id=<*>", "INFO", 30),
        (2, "pay <*> EUR id=<*>", "INFO", 30),
        (3, "close cart id=<*>", "INFO", 30),
    ]
    assert adds_up(meta)
    assert (meta["lines"], meta["used"], meta["sessions"], meta["events"]) == (120, 120, 30, 120)
    assert meta["session_rule"]["reason"].startswith("id is in 100%")


def test_raw_gives_whole_records_back(tmp_path: Path) -> None:
    lines = request_lines(10)
    lines.insert(3, "Traceback\n  File x\nValueError: no")
    found = prepared(
        tmp_path, {"app.log": "\n".join(lines), "b.log.gz": gzip.compress("\n".join(request_lines(5)).encode())}
    )
    row = found.lines.row(0, named=True)
    places = list(zip(row["source_index"], row["line"], strict=True))
    assert places == [(0, 1), (0, 2), (0, 3), (0, 7), (1, 1), (1, 2), (1, 3), (1, 4)]
    raw = found.raw(places)
    assert raw[0, 3] == lines[2] + "\n" + lines[3]
    assert raw[0, 7] == lines[4]
    assert raw[1, 4] == request_lines(5)[3]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(
    cuts=st.sets(st.integers(1, 44), max_size=3),
    rule=st.sampled_from(
        [{"session_by": r"id=(\w+)"}, {"window_lines": 7}, {"window_seconds": 3.0}, {"gap_seconds": 2.0}]
    ),
)
def test_where_a_log_is_split_into_files_does_not_matter(tmp_path: Path, cuts: set[int], rule: dict[str, Any]) -> None:
    lines = request_lines(5) + request_lines(6, first=9)
    whole = prepared(tmp_path, {"app.log": "\n".join(lines)}, **rule)
    for old in tmp_path.iterdir():
        old.unlink()
    edges = [0, *sorted(cuts), len(lines)]
    parts = {
        f"app.log.{len(cuts) - n}".removesuffix(".0"): "\n".join(lines[edges[n] : edges[n + 1]]) + "\n"
        for n in range(len(cuts) + 1)
    }
    split = prepared(tmp_path, parts, **rule)
    columns = ["start", "end", "events", "gaps_ms"]
    assert split.dataset.sessions.select(columns).equals(whole.dataset.sessions.select(columns))
    assert split.dataset.templates.equals(whole.dataset.templates)
    if "session_by" in rule:
        assert split.dataset.sessions["session_id"].equals(whole.dataset.sessions["session_id"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from(
            [
                b"2024-06-09 14:03:02 INFO open id=a1", b"2024-06-09 14:03:03 ERROR failed", b"\tat x", b"", b"  ",
                b"\xff\xfe", b"word", b"\r", b"14:03:02 id=b2", b"{}", b'{"log":"x\\n","time":"2024"}',
                b"\x1b[31mred\x1b[0m",
            ]
        ),
        min_size=1, max_size=40,
    ),
    st.sampled_from(["auto", "none", r"id=(\w+)"]),
)  # fmt: skip
def test_whatever_comes_every_line_is_accounted_for(tmp_path: Path, lines: list[bytes], session_by: str) -> None:
    content = b"\n".join(lines)
    assume(not content.startswith(b"\xff\xfe"))  # the mark of UTF-16, whose ends of lines are two bytes
    try:
        found = prepared(tmp_path, {"any.log": content}, session_by=session_by)
    except InputError:
        return
    meta = found.dataset.meta
    assert meta["lines"] == content.count(b"\n") + (not content.endswith(b"\n"))
    assert adds_up(meta)
    assert (
        meta["events"]
        >= meta["used"]
        == found.lines.explode("source_index", "line").select("source_index", "line").n_unique()
    )
    assert found.dataset.templates["count"].sum() == meta["events"]


def test_the_same_logs_give_the_same_dataset(tmp_path: Path) -> None:
    one = prepared(tmp_path, {"app.log": "\n".join(request_lines())}).dataset
    two = prepared(tmp_path, {"app.log": "\n".join(request_lines())}).dataset
    assert one.sessions.equals(two.sessions)
    assert one.meta == two.meta


@pytest.mark.parametrize("rule", [{}, {"session_by": "none"}, {"session_by": "none", "across_sources": True}])
def test_the_size_of_chunks_and_runs_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: dict[str, Any]
) -> None:
    logs = [str(tmp_path / name) for name in ("app.log", "old.log")]
    steps = request_lines(900)
    Path(logs[0]).write_text("\n".join(steps[n] for n in range(len(steps)) if n * n % 7 != n % 3))
    Path(logs[1]).write_text("\n".join(f"Dec 31 23:59:{n % 60:02d} web a[1]: id=req{n % 900:08d}" for n in range(4000)))
    prepare_folder(logs, tmp_path / "whole", LogsConfig(**rule))
    monkeypatch.setattr(stage, "read_chunks", partial(read_chunks, chunk_bytes=5000))
    monkeypatch.setattr(stage, "SortedRows", partial(SortedRows, run_bytes=20_000))
    prepare_folder(logs, tmp_path / "split", LogsConfig(**rule))
    for name in ("sessions.parquet", "templates.parquet", "meta.json"):
        assert (tmp_path / "split" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    in_memory = prepare(logs, LogsConfig(**rule)).dataset
    assert in_memory.sessions.equals(read_dataset(tmp_path / "whole").sessions)


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("hello there")
    with pytest.raises(InputError):
        prepare_folder([str(tmp_path / "app.log")], tmp_path / "data", LogsConfig(session_by=r"id=(\w+)"))
    assert [path.name for path in tmp_path.iterdir()] == ["app.log"]


def test_rules_of_a_model_match_and_never_change_its_templates(tmp_path: Path) -> None:
    learned = prepared(tmp_path, {"app.log": "\n".join(request_lines())}).dataset
    write_dataset(learned, tmp_path / "data")
    rules = Rules.of(read_dataset(tmp_path / "data"))
    assert Rules.from_dict(rules.to_dict(), learned.templates).to_dict() == rules.to_dict()

    new = request_lines(5, first=1000)
    new.insert(2, LINE.format(16, 40, "cart caught fire", 1000))
    (tmp_path / "new.log").write_text("\n".join(new))
    found = prepare([str(tmp_path / "new.log")], LogsConfig(), rules=rules).dataset
    assert found.sessions["events"].to_list() == [[0, 1, 4, 2, 3], *[[0, 1, 2, 3]] * 4]
    assert found.templates["template"].to_list() == [*learned.templates["template"], "cart caught fire id=<*>"]
    assert found.templates["count"].to_list() == [5, 5, 5, 5, 1]

    (tmp_path / "again.log").write_text("\n".join(request_lines()))
    again = prepare([str(tmp_path / "again.log")], LogsConfig(), rules=rules).dataset
    assert again.sessions["events"].to_list() == learned.sessions["events"].to_list()
    assert again.templates.equals(learned.templates)


def test_a_record_goes_on_in_the_next_file_of_a_rotated_set(tmp_path: Path) -> None:
    lines = request_lines(5)
    found = prepared(
        tmp_path, {"app.log.1": f"{lines[0]}\nTraceback", "app.log": "ValueError: no\n" + "\n".join(lines[1:])}
    )
    assert [source["continued"] for source in found.dataset.meta["sources"]] == [1, 1]
    assert found.dataset.meta["not_matched"] == 0
    alone = prepared(tmp_path, {"b.log": "ValueError: no\n" + "\n".join(lines)}).dataset.meta
    assert (alone["continued"], alone["not_matched"]) == (0, 1)


def test_windows_where_no_key_is_found(tmp_path: Path) -> None:
    lines = [f"2024-06-09 14:03:{n % 60:02d} INFO tick {n}" for n in range(250)]
    found = prepared(tmp_path, {"app.log": "\n".join(lines)}).dataset
    assert found.sessions["events"].list.len().to_list() == [10] * 25
    assert found.meta["session_rule"]["kind"] == "lines"
    assert any("one template" in warning for warning in found.meta["warnings"])


def test_the_same_of_many_logs_is_said_once(tmp_path: Path) -> None:
    lines = [f"2026-03-04 10:00:{second:02} INFO pool is {second}\nidle\nbusy\nlate" for second in range(30)]
    dumps = {f"node{number}.log": "\n".join(lines[: 20 + number]) for number in range(9)}
    found = prepared(tmp_path, dumps, layout="<time> <level> <message>").dataset
    said = [warning for warning in found.meta["warnings"] if "begin a record" in warning or "the same" in warning]
    assert said[0].startswith("node0.log: 60 of 80 lines do not begin a record")
    assert said[3:] == ["the same of 6 more logs, such as node8.log"]


def test_random_text_overflows_and_is_said(tmp_path: Path) -> None:
    words = [chr(97 + n % 26) * (n % 7 + 2) for n in range(2000)]
    lines = [" ".join(words[(n * n + k * 31) % 2000] for k in range(n % 9 + 1)) for n in range(3000)]
    found = prepared(tmp_path, {"app.log": "\n".join(lines)}, max_templates=10).dataset
    assert found.templates["template"][-1] == "<OVERFLOW>"
    assert found.templates.height <= 11
    assert any("<OVERFLOW>" in warning for warning in found.meta["warnings"])


def test_losses_are_counted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = gzip.compress(
        "\n".join(f"{line} {n * n * 2654435761}" for n, line in enumerate(request_lines(3000))).encode()
    )
    found = prepared(
        tmp_path, {"app.log.gz": content[: len(content) // 2], "b.log": b"14:00:00 INFO \xff id=req00000001"}
    )
    meta = found.dataset.meta
    assert meta["sources"][0]["damage"]
    assert meta["not_decoded"] == 1
    said = capsys.readouterr().err
    assert "ends too early" in said
    assert "known encoding" in said


@pytest.mark.parametrize(
    ("content", "settings", "error", "said"),
    [
        (b"", {}, InputError, "empty, there is nothing to prepare"),
        (b"\n\n  \n", {}, InputError, "none of the 3 lines begins a record"),
        (bytes(range(256)) * 40, {}, InputError, "binary, not log text"),
        (b"hello there", {"session_by": r"id=(\w+)"}, InputError, "names the session key"),
        (b"hello there", {"layout": "<time> <level> <message>"}, InputError, "--layout"),
        (b"hello there", {"session_by": "(?<=id)x"}, UsageError, "look-around"),
        (b"hello there", {"timezone": "Mars/Base"}, UsageError, "Asia/Seoul"),
        (b"hello there", {"window_seconds": 5.0}, InputError, "need times"),
    ],
)
def test_bad_input_is_an_error_that_helps(
    tmp_path: Path, content: bytes, settings: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        prepared(tmp_path, {"app.log": content}, **settings)


def test_binary_files_in_a_folder_are_left_out_and_said(tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "app.log").write_text("\n".join(request_lines()))
    found = prepare([str(tmp_path)], LogsConfig())
    assert found.dataset.meta["skipped_files"] == ["core"]
    assert [source.index for source in found.sources] == [0]
    (tmp_path / "app.log").unlink()
    with pytest.raises(InputError, match="no log text"):
        prepare([str(tmp_path)], LogsConfig())


def test_what_cannot_be_read_is_left_out_of_a_folder_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "app.log").write_text("\n".join(request_lines()))
    (tmp_path / "windows.log").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "broken.log.gz").write_bytes(b"no gzip")
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "again").symlink_to(tmp_path)
    found = prepare([str(tmp_path)], LogsConfig()).dataset
    assert found.meta["skipped_files"] == ["broken.log.gz", "windows.log"]
    assert found.meta["lines"] == 120
    said = capsys.readouterr().err
    assert "binary" in said
    assert "is the file complete" in said


def test_a_pipe_is_read_once_and_whole(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.log"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("\n".join(request_lines(3000)),))
    writer.start()
    found = prepare([str(pipe)], LogsConfig())
    writer.join()
    assert found.dataset.meta["lines"] == 12_000
    assert found.raw([(0, 9000)]) == {(0, 9000): request_lines(3000)[8999]}


def test_a_file_that_vanished_and_a_device_are_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        Source(0, "gone.log", tmp_path / "gone.log", named=True).state()
    with pytest.raises(InputError, match="a device"):
        prepare(["/dev/zero"], LogsConfig())


def test_a_single_line_is_a_dataset(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"app.log": "2024-06-09 14:03:02 INFO hello"}).dataset
    assert found.sessions["events"].to_list() == [[0]]


def test_stdin_is_read_and_can_be_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(request_lines(5)).encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(text), isatty=lambda: False))
    found = prepare(["-"], LogsConfig())
    assert found.sources[0].name == "stdin"
    assert found.raw([(0, 2)]) == {(0, 2): request_lines(5)[1]}


def test_hdfs_is_grouped_by_block(shared_data: Path) -> None:
    found = prepare(
        [str(shared_data / "hdfs" / "HDFS_2pct.log.zst")],
        LogsConfig(),
        labels=shared_data / "hdfs" / "anomaly_label.csv",
    ).dataset
    assert found.sessions.height == 11_501
    assert found.sessions["label"].sum() == 350
    assert found.sessions["session_id"].str.starts_with("blk_").all()
    assert adds_up(found.meta)
    assert found.meta["lines"] == found.meta["used"] == 222_579


def test_bgl_has_windows_and_labels_of_its_own(shared_data: Path) -> None:
    found = prepare([str(shared_data / "bgl" / "BGL_100k.log.gz")], LogsConfig()).dataset
    assert found.meta["session_rule"]["kind"] == "lines"
    assert found.sessions.height == 1000
    assert found.meta["labels"]["labelled"] == 1000
    assert not found.templates["template"].str.contains("KERNDTLB").any()


def test_containers_are_joined_by_their_trace(shared_data: Path) -> None:
    folder = shared_data / "trainticket" / "normal"
    found = prepare([str(folder)], LogsConfig())
    rule = found.dataset.meta["session_rule"]
    assert rule["kind"] == "key"
    assert rule["reason"].startswith("TraceID is in")
    assert found.lines["source_index"].list.n_unique().max() > 3
    assert adds_up(found.dataset.meta)


def test_the_recorded_shop_is_joined_by_its_request_id() -> None:
    sample = shop()
    found = prepare([str(path) for path in sample.logs], LogsConfig(), labels=sample.labels).dataset
    requests = read_labels(sample.labels).table
    assert sorted(found.sessions["session_id"]) == sorted(requests["session_id"])
    assert found.sessions["label"].sum() == requests["label"].sum()
    assert found.meta["without_key"] < 0.002 * found.meta["lines"]
    layouts = [source["layouts"][0]["name"] for source in found.meta["sources"]]
    assert layouts == [
        "logfmt", "context", "access-custom", "nginx-error", "spring-boot", "json", "postgresql", "redis", "logback",
    ]  # fmt: skip
    assert not any(source["times"] == "the lines carry no time" for source in found.meta["sources"])
    assert found.templates.height < 250
    assert adds_up(found.meta)


def test_a_preview_says_what_preparing_would_do(tmp_path: Path) -> None:
    (tmp_path / "app.log").write_text("\n".join(request_lines()))
    seen = preview([str(tmp_path / "app.log")], LogsConfig())
    found = prepare([str(tmp_path / "app.log")], LogsConfig()).dataset
    assert seen.sources == [
        ("app.log", "log4j (100%)", "times that name no zone were taken as UTC; --timezone NAME if that is wrong")
    ]
    assert seen.rule.to_dict() == found.meta["session_rule"]
    assert seen.templates == found.templates["template"].to_list()
    assert seen.records["message"].to_list()[:2] == ["open cart id=req00000000", "add item 17 to cart id=req00000000"]
    assert seen.records.height == 10
    (tmp_path / "b.log").write_text("hello there")
    seen = preview([str(tmp_path)], LogsConfig())
    assert seen.records.select("source", "line").rows() == [*(("app.log", n) for n in range(1, 6)), ("b.log", 1)]
    assert "app.log:2  2024-06-09 14:00:00.000  INFO     add item 17 to cart" in of_preview(seen)


def test_sessions_stay_within_one_log_where_that_is_asked_for(tmp_path: Path) -> None:
    files = {"a.log": "\n".join(request_lines(6)), "b.log": "\n".join(request_lines(6))}
    (tmp_path / "labels.csv").write_text("id,label,kind\nreq00000003,1,fire\n")
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    logs = [str(tmp_path / name) for name in files]
    apart = prepare(logs, LogsConfig(across_sources=False), labels=tmp_path / "labels.csv").dataset
    assert apart.sessions["session_id"].to_list()[:2] == ["req00000000@a.log", "req00000000@b.log"]
    assert apart.sessions.filter(pl.col("label")).select("session_id", "kind").rows() == [
        ("req00000003@a.log", "fire"), ("req00000003@b.log", "fire"),
    ]  # fmt: skip
    assert Rules.of(apart).session.across_sources is False
    joined = prepare(logs, LogsConfig(session_by="none", across_sources=True, window_lines=12)).dataset
    assert joined.sessions["events"].list.len().to_list() == [12] * 4
    assert joined.sessions["start"].to_list() == sorted(joined.sessions["start"].to_list())
    assert joined.sessions["end"][0] < apart.sessions["end"].max()


def test_services_that_write_the_same_id_in_different_ways_are_joined(tmp_path: Path) -> None:
    files: dict[str, list[str]] = {"nginx.log": [], "cart.log": [], "pay.log": []}
    for n in range(60):
        rid, second = f"{n * 2654435761 % 2**64:016x}", f"{n // 60:02d}:{n % 60:02d}"
        agent = f'200 12 "-" "curl" rid={rid}'
        files["nginx.log"].append(f'10.0.0.1 - - [09/Jun/2024:14:{second} +0000] "POST /cart/{n} HTTP/1.1" {agent}')
        files["cart.log"] += [f"2024-06-09 14:{second},{part} INFO [req {rid}] cart {n} opened" for part in (100, 300)]
        time = f"2024-06-09T14:{second}.200Z"
        files["pay.log"].append(f'{{"time":"{time}","level":"info","msg":"paid {n}","request_id":"{rid}"}}')
    found = prepared(tmp_path, {name: "\n".join(lines) for name, lines in files.items()})
    texts = dict(found.dataset.templates.select("event", "template").rows())
    sessions = [[texts[event] for event in events] for events in found.dataset.sessions["events"].to_list()]
    cart = "[req <*>] cart <*> opened"
    assert sessions == [["POST /cart /<*> OK", cart, "paid <*>", cart]] * 60
    assert found.dataset.meta["without_key"] == 0


def test_a_shop_of_many_layouts_is_joined_by_its_request_id(tmp_path: Path) -> None:
    files: dict[str, list[str]] = {name: [] for name in ("api", "cart", "bank", "depot", "db")}
    for n in range(80):
        rid, at = f"{n * 2654435761 % 2**40:010x}", f"{n // 60:02d}:{n % 60:02d}"
        files["api"] += [
            f'ts=2024-06-09T14:{at}.{part}Z level=info logger=api.http rid={rid} event="{event}" ms={n}'
            for part, event in (("100", "request received"), ("900", "request served"))
        ]
        files["cart"].append(f"2024-06-09 14:{at}.200  INFO [cart,{rid}] 7 --- [http-{n % 9}] c.Cart : Opened cart {n}")
        files["bank"].append(f'{{"ts":"2024-06-09T14:{at}.300Z","request_id":"{rid}","message":"paid {n}"}}')
        files["depot"].append(f"2024-06-09T14:{at}.400Z [http-{n % 9}] INFO request_id={rid} depot.http - took {n} out")
        files["db"].append(f"2024-06-09 14:{at}.500 UTC [{n}] depot@shop rid={rid} LOG:  duration: {n}.5 ms")
    files["cart"].append("2024-06-09 14:09:00.200  INFO [cart,] 7 --- [main] c.Cart : Stopped")
    found = prepared(tmp_path, {f"{name}.log": "\n".join(lines) for name, lines in files.items()})
    texts = dict(found.dataset.templates.select("event", "template").rows())
    sessions = [[texts[event] for event in events] for events in found.dataset.sessions["events"].to_list()]
    steps = ["request received", "Opened cart <*>", "paid <*>", "took <*> out", "duration: <*>", "request served"]
    assert sessions == [steps] * 80
    assert found.dataset.meta["without_key"] == 1


def test_lines_longer_than_the_limit_are_the_reason_where_nothing_is_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"longer than the limit.*max_line_bytes"):
        prepared(tmp_path, {"one.log": b'{"msg":"' + b"x" * 70_000 + b'"}'})


def test_records_of_two_lines_keep_their_times_where_sessions_have_a_key(tmp_path: Path) -> None:
    lines = [
        line
        for order in range(40)
        for line in (f"Jun 09, 2024 2:03:{order:02d} PM shop.Orders place", f"INFO: order={order:06d} placed")
    ]
    found = prepared(tmp_path, {"app.log": "\n".join(lines).encode()}, session_by="field:order").dataset
    assert found.meta["sessions"] == found.meta["used"] == 40
    assert found.meta["without_time"] == 0
    assert found.meta["warnings"] == ["all lines follow one template; there is no order of events to learn"]
    assert found.sessions["start"].dt.second().to_list() == list(range(40))
