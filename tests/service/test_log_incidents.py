"""Silences and changed rates while logs grow: one incident each, from its beginning to its end."""

import json
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import polars as pl
import pytest

from isang.artifact import Model, load_model, rules_of
from isang.config import from_dict
from isang.detection.feedback.answers import answer_to
from isang.detection.feedback.coverage import NO_ANSWERS, Answers
from isang.detection.whole.live.watch import LogWatch
from isang.logs.stream.parser import RecordParser
from isang.logs.stream.record import Record, frame_of
from isang.service.judging.log_incidents import LogIncidents
from isang.service.storage.database import Database
from isang.stages import detect, run
from tests.commands import isang
from tests.service.conftest import Process

MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = 3_600
Stop = tuple[str, float, float]
"""What stops (a file, or the first word of a message), from when to when."""


def log_of(hours: float, seed: int, begin: float, stop: Sequence[Stop] = (), surge: float = 1.0) -> list[Record]:
    """Requests at random times, a heartbeat each 30 s, and another log with a queue that is polled each 10 s.

    With a `surge` it is polled as many times more often in ten minutes from the half of the log on.
    """
    chance, seconds, lines = random.Random(seed), hours * HOUR, list[tuple[float, str, str]]()
    at, number = 0.0, 0
    while at < seconds:
        at += chance.expovariate(0.5)
        number += 1
        key = f"r{int(begin):06}{number:06}"
        lines.append((at, "api.log", f"INFO request={key} received GET /items/{chance.randrange(10_000)}"))
        lines.append((at + chance.uniform(0.1, 0.3), "api.log", f"INFO request={key} served in {number % 97} ms"))
    for source, period, text in (("api.log", 30.0, "heartbeat ok"), ("jobs.log", 10.0, "polled queue")):
        at = chance.uniform(0, period)
        while at < seconds:
            lines.append((at, source, f"INFO {text}"))
            surges = source == "jobs.log" and seconds / 2 <= at < seconds / 2 + 600
            at += (period + chance.gauss(0, period / 30)) / (surge if surges else 1.0)
    return [
        Record(source, f"{(MIDNIGHT + timedelta(seconds=begin + at)).isoformat(' ', 'milliseconds')[:23]} {text}")
        for at, source, text in sorted(lines)
        if not any(what in (source, text.split()[1]) and first <= at < last for what, first, last in stop)
    ]


def written(records: Sequence[Record], folder: Path) -> Path:
    folder.mkdir()
    for source in sorted({record.source for record in records}):
        (folder / source).write_text("".join(f"{one.text}\n" for one in records if one.source == source))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `isang run` made of six hours."""
    folder = tmp_path_factory.mktemp("watched")
    run([written(log_of(4, 1, 0), folder / "logs")], folder / "out", config=from_dict({"model": {"encoder": False}}))
    return folder / "out"


@pytest.fixture(scope="module")
def model(trained: Path) -> Model:
    return load_model(trained)


def played(
    model: Model,
    records: Sequence[Record],
    home: Path,
    look_seconds: Callable[[], float] = lambda: 10.0,
    restart: Callable[[], bool] = lambda: False,
    answers: Answers = NO_ANSWERS,
) -> tuple[list[tuple[float, str]], list[dict[str, Any]]]:
    """(seconds and event of each change of an incident, the incidents)."""
    parser = RecordParser(rules_of(model), model.config.logs, time.monotonic)
    parser.parse(frame_of(records))
    lines = parser.lines.sort("time", maintain_order=True)
    begin = int(lines["time"][0])
    watch, database = LogWatch(model), Database(home / "isang.db")
    incidents = LogIncidents(database, model, watch.window_seconds)
    now, end, events = begin, int(lines["time"][-1]), list[tuple[float, str]]()
    while now < end:
        before, now = now, min(end, now + int(look_seconds() * 1e6))
        watch.add(lines.filter(pl.col("time").is_between(before, now, closed="left")), now)
        found = watch.found(now)
        if found is not None:
            changes = incidents.look(found, answers, now)
            events += [((now - begin) / 1e6, one.event) for one in changes if one.event != "repeated"]
        if restart():
            kept = json.loads(json.dumps(watch.to_dict()))
            watch = LogWatch(model)
            watch.restore(kept)
            incidents = LogIncidents(database, model, watch.window_seconds)
    found_there = database.incidents()
    database.close()
    return events, found_there


def test_a_heartbeat_that_stops_is_one_incident_until_it_returns(model: Model, tmp_path: Path) -> None:
    """It is told about two of its intervals after the first beat that did not come."""
    events, (incident,) = played(model, log_of(1.5, 2, 9 * HOUR, [("heartbeat", 2_700, 4_000)]), tmp_path)
    (fired, firing), (over, resolved) = events
    assert (firing, resolved, incident["state"]) == ("firing", "resolved", "resolved")
    assert 60 <= fired - 2_700 <= 120
    assert 0 <= over - 4_000 <= 50
    assert incident["title"].startswith("Silent: Heartbeat ok, 09:4")
    assert incident["title_ko"].startswith("끊김: ")
    assert incident["counts"] == "lines"


@pytest.mark.parametrize("seed", range(2))
def test_size_of_looks_and_restarts_change_nothing(model: Model, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    records = log_of(1.2, 3, 9 * HOUR, [("heartbeat", 900, 1_500), ("jobs.log", 2_400, 3_000)])
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    events, incidents = played(model, records, tmp_path / "one")
    assert [event for _, event in events] == ["firing", "resolved"] * 2
    _, other = played(model, records, tmp_path / "other", lambda: chance.uniform(1, 60), lambda: chance.random() < 0.1)
    assert [one["fingerprint"] for one in other] == [one["fingerprint"] for one in incidents]
    for one, same in zip(incidents, other, strict=True):
        assert (one["state"], same["state"]) == ("resolved", "resolved")
        assert one["first_seen"] == same["first_seen"]
    _, at_once = played(model, records, tmp_path, lambda: 600.0)
    assert {one["symptoms"][0]["template"] for one in at_once} == {one["symptoms"][0]["template"] for one in incidents}


def test_normal_hours_have_no_incident(model: Model, tmp_path: Path) -> None:
    assert played(model, log_of(4, 4, 30 * HOUR), tmp_path) == ([], [])


def test_a_source_that_stops_and_a_surge_are_one_incident_each(model: Model, tmp_path: Path) -> None:
    (tmp_path / "stop").mkdir()
    _, (stopped,) = played(model, log_of(1.5, 5, 9 * HOUR, [("jobs.log", 2_700, 4_000)]), tmp_path / "stop")
    assert {"none"} == {reason["change"] for reason in stopped["reasons"]} & {"none"}
    _, (surge,) = played(model, log_of(1.5, 6, 9 * HOUR, surge=6.0), tmp_path)
    assert surge["title"].startswith("More than ever: ")
    assert surge["state"] == "resolved"


def test_an_answer_silences_its_like_alone(model: Model, tmp_path: Path) -> None:
    records = log_of(1.5, 7, 9 * HOUR, [("heartbeat", 2_700, 4_000)])
    (tmp_path / "first").mkdir()
    (tmp_path / "other").mkdir()
    _, (incident,) = played(model, records, tmp_path / "first")
    answers = Answers([answer_to(incident, [], "normal")])
    events, (quiet,) = played(model, records, tmp_path, answers=answers)
    assert {event for _, event in events} == {"silenced"}
    assert quiet["silenced_by"] == answers.answers[0].id
    events, _ = played(model, log_of(1.5, 7, 9 * HOUR, [("polled", 2_700, 4_000)]), tmp_path / "other", answers=answers)
    assert [event for _, event in events] == ["firing", "resolved"]


def test_a_short_training_period_says_that_it_watches_nothing(model: Model) -> None:
    from dataclasses import replace

    watch = LogWatch(replace(model, lines=None, volume=None))
    assert "no silences" in watch.says.en
    assert "no rates" in watch.says.en
    watch.add(pl.DataFrame({"source": ["a"], "time": [10**15], "level": [None], "message": ["hi"]}), 10**15)
    assert watch.found(10**15) == []
    assert "silences of 4 kinds" in LogWatch(model).says.en


def test_an_answer_offline_silences_a_silence(trained: Path, tmp_path: Path) -> None:
    logs = written(log_of(1.2, 9, 9 * HOUR, [("heartbeat", 1_200, 2_700)]), tmp_path / "logs")

    def found() -> dict[str, Any]:
        done = isang("detect", trained, logs, "--out", tmp_path / "found", "--overwrite")
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads((tmp_path / "found" / "incidents.json").read_text())
        return result

    (incident,) = found()["incidents"]
    given = isang("feedback", trained, "--normal", incident["fingerprint"], "--result", tmp_path / "found")
    assert given.returncode == 0, given.stderr
    assert "Silent: Heartbeat ok" in given.stdout
    again = found()
    assert (again["incidents"], [one["fingerprint"] for one in again["silenced"]]) == ([], [incident["fingerprint"]])
    answer = json.loads(next(trained.rglob("feedback.jsonl")).read_text())["id"]
    assert isang("feedback", trained, "--undo", answer).returncode == 0
    assert [one["fingerprint"] for one in found()["incidents"]] == [incident["fingerprint"]]


class Hook(BaseHTTPRequestHandler):
    """Takes what the service's webhook sends."""

    told: list[tuple[str, str]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.told += [(one["event"], one["incident"]["title"]) for one in body["notices"]]
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_the_service_tells_of_a_silence_over_a_kill(
    trained: Path, tmp_path: Path, serving: Callable[..., Process]
) -> None:
    told: list[tuple[str, str]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Told", (Hook,), {"told": told}))
    Thread(target=server.serve_forever, daemon=True).start()
    arguments = ("--webhook", f"http://127.0.0.1:{server.server_port}")
    service = serving(tmp_path / "home", trained, *arguments)
    assert "silences of 4 kinds" in service.get("/api/v1/status")["watches"]
    records = log_of(1.2, 8, 9 * HOUR, [("heartbeat", 1_200, 2_700)])

    def send(first: float, last: float) -> None:
        """Send what was written in these seconds, a minute at a time."""
        for minute in range(int(first), int(last), 60):
            low, high = (
                (MIDNIGHT + timedelta(seconds=9 * HOUR + at)).isoformat(" ", "milliseconds")[:23]
                for at in (minute, minute + 60)
            )
            for source in ("api.log", "jobs.log"):
                lines = [one.text for one in records if one.source == source and low <= one.text[:23] < high]
                if lines:
                    assert service.ingest("\n".join(lines) + "\n", source)
        service.until(lambda status: not status["behind"] and status["journal_bytes"] >= 0)

    def listed(state: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = service.get(f"/api/v1/incidents?state={state}")["incidents"]
        return [one for one in found if one["title"].startswith("Silent: Heartbeat")]

    send(0, 1_500)
    service.until(lambda _: bool(listed("firing")))
    (before,) = listed("firing")
    service.end(signal.SIGKILL)
    service = serving(tmp_path / "home", trained, *arguments)
    send(1_500, 2_640)
    (after,) = listed("firing")
    assert after["id"] == before["id"]
    send(2_640, 4_200)
    service.until(lambda _: bool(listed("resolved")))
    assert [one["id"] for one in listed("resolved")] == [before["id"]]
    assert not listed("firing")
    end = time.monotonic() + 30
    while len(told) < 2 and time.monotonic() < end:
        time.sleep(0.2)
    server.shutdown()
    server.server_close()
    assert [event for event, _ in told] == ["firing", "resolved"], "\n".join(map(str, told))
    assert all(title.startswith("Silent: Heartbeat ok") for _, title in told)
    assert service.end() == 143
    offline = detect(trained, [written(records, tmp_path / "logs")])
    assert [one.fingerprint for one in offline.incidents] == [before["fingerprint"]]
