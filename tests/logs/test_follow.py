"""Following a growing log gives the sessions that `prepare` finds in the finished one."""

import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from isang.config import LogsConfig
from isang.logs.prepare import Prepared, prepare
from isang.logs.rules import Rules
from isang.logs.stream.follower import Follower
from isang.logs.stream.session_stream import EndedSessions
from tests.synthetic import shop_dataset, shop_log

LOG = shop_log(shop_dataset(60)).encode()
FIVE_WINDOWS = len(b"".join(LOG.splitlines(keepends=True)[:35]))
"""Bytes of LOG: where it is rotated there, both files have a window from their first line on."""
RULES = {
    "key": LogsConfig(),
    "key and gap": LogsConfig(gap_seconds=0.03),
    "lines": LogsConfig(window_lines=7),
    "seconds": LogsConfig(window_seconds=25),
    "gap": LogsConfig(session_by="none", gap_seconds=5),
    "long sessions in pieces": LogsConfig(session_by=r"(shop)\.Service", max_session_events=16),
}


def seen(dataset: pl.DataFrame, lines: pl.DataFrame) -> dict[str, tuple[object, ...]]:
    """What identifies each session: its events, gaps, times and lines."""
    both = dataset.select("session_id", "start", "end", "events", "gaps_ms").with_columns(lines["line"])
    return {row[0]: row[1:] for row in both.iter_rows()}


def batch(path: Path, config: LogsConfig) -> tuple[Prepared, Rules]:
    """A log that was learned from and then read anew with the rules learned."""
    rules = Rules.of(prepare([str(path)], config).dataset)
    return prepare([str(path)], config, rules=rules), rules


def followed(follower: Follower) -> list[EndedSessions]:
    """All that comes until nothing more is there."""
    found = []
    came = True
    while came:
        came, ended = follower.poll()
        found += [ended] if ended is not None else []
    return found


def united(parts: list[EndedSessions]) -> dict[str, tuple[object, ...]]:
    sessions: dict[str, tuple[object, ...]] = {}
    for part in parts:
        found = seen(part.dataset.sessions, part.lines)
        assert not sessions.keys() & found.keys(), "no session comes twice"
        sessions |= found
    return sessions


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("pieces", [1, 9, 80])
def test_a_log_that_grows_gives_the_sessions_of_the_finished_one(tmp_path: Path, rule: str, pieces: int) -> None:
    path = tmp_path / "shop.log"
    path.write_bytes(LOG)
    expected, rules = batch(path, RULES[rule])
    path.write_bytes(b"")
    follower = Follower([str(path)], rules, RULES[rule], idle_seconds=1e9, clock=lambda: 0.0)
    found = []
    for piece in range(pieces):
        with path.open("ab") as file:
            file.write(LOG[piece * len(LOG) // pieces : (piece + 1) * len(LOG) // pieces])
        found += followed(follower)
    last = follower.finish()
    found += [] if last is None else [last]
    assert united(found) == seen(expected.dataset.sessions, expected.lines)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(20, 90), st.sampled_from(list(RULES)))
def test_ended_sessions_may_wait_and_what_is_told_of_open_ones_is_true_of_them(
    tmp_path: Path, ended: list[bool], pieces: int, rule: str
) -> None:
    """Lines that fit nothing known show their session; where an earlier one of its key has ended, that goes first."""
    path = tmp_path / "shop.log"
    path.write_bytes(LOG)
    expected, rules = batch(path, RULES[rule])
    path.write_bytes(b"")
    follower = Follower([str(path)], rules, RULES[rule], idle_seconds=1e9, known=["none"], clock=lambda: 0.0)
    found, shown = [], {}
    for piece in range(pieces):
        with path.open("ab") as file:
            file.write(LOG[piece * len(LOG) // pieces : (piece + 1) * len(LOG) // pieces])
        part = follower.poll(ended=ended[piece % len(ended)])[1]
        found += [part] if part is not None else []
        if (alarming := follower.alarming()) is not None:
            shown.update(seen(alarming.dataset.sessions, alarming.lines))
    last = follower.finish()
    found += [] if last is None else [last]
    known = seen(expected.dataset.sessions, expected.lines)
    assert united(found) == known
    assert shown.keys() <= known.keys()
    for name, (start, _, _, _, lines) in shown.items():
        assert (start, list(lines)) == (known[name][0], list(known[name][4])[: len(lines)])


OPERATIONS = ("write", "write", "write", "look", "rename", "copy and truncate", "restart")


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("write", FIVE_WINDOWS), ("look", 0), ("rename", 0), ("restart", 0), ("look", 0)], "lines")
@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(1, 6_000)), max_size=25),
    st.sampled_from(["key", "lines"]),
)
def test_nothing_is_lost_or_repeated_whatever_happens_to_the_file(
    tmp_path: Path, operations: list[tuple[str, int]], rule: str
) -> None:
    """Pieces are cut anywhere; rotation by renaming and by copying, and restarts, come in any order and number."""
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    path, state = tmp_path / "shop.log", tmp_path / "state"
    path.write_bytes(LOG)
    expected, rules = batch(path, RULES[rule])
    path.write_bytes(b"")

    def start() -> Follower:
        return Follower([str(path)], rules, RULES[rule], idle_seconds=1e9, state=state, clock=lambda: 0.0)

    follower, found, written = start(), [], 0
    for operation, size in [*operations, ("write", len(LOG)), ("look", 0)]:
        if operation == "write":
            with path.open("ab") as file:
                file.write(LOG[written : written + size])
            written += size
        elif operation == "look":
            found += followed(follower)
        elif operation == "restart":
            follower.save()
            follower.close()
            follower = start()
        elif operation == "copy and truncate" or path.read_bytes().endswith(b"\n"):  # a renamed file gets its line end
            rotate(path, copy=operation == "copy and truncate")
    last = follower.finish()
    follower.close()
    found += [] if last is None else [last]
    same = [row[:4] for row in united(found).values()]  # without the lines: these are counted in each file anew
    assert sorted(same, key=str) == sorted(
        [row[:4] for row in seen(expected.dataset.sessions, expected.lines).values()], key=str
    )


def rotate(path: Path, *, copy: bool) -> None:
    """As logrotate does: each older member moves on by one, then the log itself is renamed or copied and emptied."""
    members = sorted(path.parent.glob(f"{path.name}.*"), key=lambda member: -int(member.suffix[1:]))
    for member in members:
        member.rename(path.with_name(f"{path.name}.{int(member.suffix[1:]) + 1}"))
    if copy:
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)
    else:
        path.rename(path.with_name(f"{path.name}.1"))
        path.touch()


def test_a_rotated_file_may_lack_its_last_line_end(tmp_path: Path) -> None:
    _, rules = batch_of(tmp_path)
    log = tmp_path / "growing" / "shop.log"
    log.parent.mkdir()
    lines = LOG.splitlines(keepends=True)
    log.write_bytes(b"".join(lines[:400]).rstrip(b"\n"))
    follower = Follower([str(log.parent)], rules, LogsConfig(), idle_seconds=1e9)
    found = followed(follower)
    log.rename(log.with_name("shop.log.1"))
    log.write_bytes(b"".join(lines[400:]))
    found += followed(follower)
    last = follower.finish()
    assert last is not None
    assert sum(part.dataset.sizes.sum() for part in [*found, last]) == len(lines)


def batch_of(folder: Path) -> tuple[Prepared, Rules]:
    """The whole log, read as finished."""
    whole = folder / "whole.log"
    whole.write_bytes(LOG)
    return batch(whole, LogsConfig())


def test_lines_that_begin_no_record_may_come_alone(tmp_path: Path) -> None:
    """A stack trace that is written after its first line was read."""
    _, rules = batch_of(tmp_path)
    log = tmp_path / "shop.log"
    log.write_bytes(LOG)
    follower = Follower([str(log)], rules, LogsConfig(), idle_seconds=1e9)
    found = followed(follower)
    with log.open("ab") as file:
        file.write(b"\tat shop.Service.call(Service.java:17)\n")
    found += followed(follower)
    last = follower.finish()
    assert last is not None
    assert sum(part.dataset.sizes.sum() for part in [*found, last]) == len(LOG.splitlines())


def test_a_clock_that_steps_back_loses_and_ends_nothing(tmp_path: Path) -> None:
    """The log's times begin anew in the middle; what was open before waits for them."""
    _, rules = batch_of(tmp_path)
    log = tmp_path / "shop.log"
    lines = LOG.splitlines(keepends=True)
    log.write_bytes(b"".join(lines[200:220]))
    follower = Follower([str(log)], rules, LogsConfig(), idle_seconds=60, clock=lambda: 0.0)
    assert followed(follower) == []
    with log.open("ab") as file:
        file.writelines(lines[:20])
    assert followed(follower) == []
    last = follower.finish()
    assert last is not None
    assert last.dataset.sizes.sum() == 40


def mixed_logs() -> dict[str, list[str]]:
    """Lines of logs of four layouts, with records of several lines, that name the same hundred requests."""
    times = [f"2026-01-05 09:{number // 60:02}:{number % 60:02}" for number in range(100)]
    steps = [(time, f"4f{number // 3:06x}") for number, time in enumerate(times)]
    return {
        "json.log": [f'{{"ts": "{time}", "level": "INFO", "msg": "paid", "request": "{key}"}}' for time, key in steps],
        "trace.log": [
            line
            for time, key in steps
            for line in (f"{time} ERROR [request {key}] failed", "  at Shop.pay(Shop.java:7)", "Caused by: timeout")
        ],
        "syslog.log": [f"Jan  5 {time[11:]} host shop[7]: request={key} stored" for time, key in steps],
        "docker.log": [
            json.dumps(
                {"log": f"INFO request={key} sent{end}", "stream": "stdout", "time": f"{time}Z".replace(" ", "T")}
            )
            for time, key in steps
            for end in (" half", " and whole\n")
        ],
    }


@pytest.mark.parametrize("pieces", [1, 7])
def test_logs_of_several_layouts_grow_side_by_side(tmp_path: Path, pieces: int) -> None:
    """They are parsed together, and give the sessions, lines and texts that each gives alone when it is finished."""
    config = LogsConfig(session_by=r"\b4f[0-9a-f]{6}\b")
    folder = tmp_path / "logs"
    folder.mkdir()
    logs = {name: "\n".join([*lines, ""]).encode() for name, lines in mixed_logs().items()}
    for name, text in logs.items():
        (folder / name).write_bytes(text)
        os.utime(folder / name, (1_767_700_000, 1_767_700_000))  # 2026-01-06: the year that syslog's times lack
    rules = Rules.of(prepare([str(folder)], config).dataset)
    expected = prepare([str(folder)], config, rules=rules)
    for name in logs:
        (folder / name).write_bytes(b"")
    follower = Follower([str(folder)], rules, config, idle_seconds=1e9, clock=lambda: 0.0)
    found = []
    for piece in range(pieces):
        for name, text in logs.items():
            lines = text.splitlines(keepends=True)
            with (folder / name).open("ab") as file:
                file.writelines(
                    lines[piece * len(lines) // pieces // 6 * 6 : (piece + 1) * len(lines) // pieces // 6 * 6]
                )
                file.writelines(lines[len(lines) // 6 * 6 :] if piece == pieces - 1 else [])
            os.utime(folder / name, (1_767_700_000, 1_767_700_000))
        found += followed(follower)
    last = follower.finish()
    assert last is not None
    assert united([*found, last]) == seen(expected.dataset.sessions, expected.lines)
    places = {(source, line) for row in expected.lines.iter_rows() for source, line in zip(row[1], row[2], strict=True)}
    texts = expected.raw(places)
    assert {expected.sources[source].name for source, _ in places} == {*logs}
    named = {(expected.sources[source].name, line): text for (source, line), text in texts.items()}
    for (source, line), text in last.raw(places_of(last)).items():
        assert text == named[last.sources[source].name, line]


def places_of(ended: EndedSessions) -> set[tuple[int, int]]:
    return {(source, line) for row in ended.lines.iter_rows() for source, line in zip(row[1], row[2], strict=True)}


def test_an_empty_folder_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, rules = batch_of(tmp_path)
    folder = tmp_path / "logs"
    folder.mkdir()
    seconds = [0.0]
    follower = Follower([str(folder)], rules, LogsConfig(), idle_seconds=1e9, clock=lambda: seconds[0])
    assert "yet; waiting" in capsys.readouterr().err
    assert followed(follower) == []
    (folder / "shop.log").write_bytes(LOG)
    seconds[0] = 10.0
    found = followed(follower)
    last = follower.finish()
    assert last is not None
    assert sum(part.dataset.sizes.sum() for part in [*found, last]) == len(LOG.splitlines())
