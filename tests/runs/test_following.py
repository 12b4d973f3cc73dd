"""A followed run: each problem is told once, by a line, a command or a webhook, and can end the following."""

import json
import shlex
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from isang.errors import UsageError
from isang.runs.report.alarms import Alarms
from isang.runs.report.judge import make_report
from isang.runs.report.live import follow
from isang.stages import report


def log_of(path: Path, losses: list[float], planned: int = 1000) -> Path:
    lines = [f"step: {step}/{planned} loss: {loss:.4f}\n" for step, loss in enumerate(losses, start=1)]
    path.write_text("".join(lines))
    return path


FALLING = [3 / (step + 1) ** 0.5 + 0.01 * (step % 3) for step in range(120)]
DEAD = [*FALLING[:60], *[0.0] * 60]


def test_a_problem_is_named_when_it_arises_and_only_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = make_report(log_of(tmp_path / "run.log", DEAD), going_on=True)
    alarms = Alarms()
    alarms.tell(reports)
    alarms.tell(reports)
    said = capsys.readouterr().err
    assert said.count("problem at step 120: Decrease") == 1
    assert "exactly 0" in said
    assert alarms.any


def test_a_command_gets_the_problem_as_json(tmp_path: Path) -> None:
    out = tmp_path / "said.json"
    program = "import os, sys; open(sys.argv[1], 'w').write(os.environ['ISANG_FINDING'] + chr(10) + sys.stdin.read())"
    Alarms(shlex.join([sys.executable, "-c", program, str(out)])).tell(
        make_report(log_of(tmp_path / "run.log", DEAD), going_on=True)
    )
    name, _, content = out.read_text().partition("\n")
    message = json.loads(content)
    assert name == message["finding"] == "decreasing"
    assert (message["schema"], message["run"], message["verdict"]) == (1, "run.log", "problem")
    assert set(message["statement"]) == {"en", "ko"}


def test_a_command_that_fails_is_said_and_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = make_report(log_of(tmp_path / "run.log", DEAD), going_on=True)
    Alarms(str(tmp_path / "missing")).tell(reports)
    Alarms(shlex.join([sys.executable, "-c", "raise SystemExit(5)"])).tell(reports)
    said = capsys.readouterr().err
    assert said.count("--on-problem failed") == 2
    assert "left with 5" in said
    for wrong in ("", "'unclosed"):
        with pytest.raises(UsageError, match="--on-problem"):
            Alarms(wrong)


def test_a_webhook_gets_one_post_per_problem(tmp_path: Path) -> None:
    got: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        alarms = Alarms(f"http://127.0.0.1:{server.server_port}/hook")
        reports = make_report(log_of(tmp_path / "run.log", DEAD), going_on=True)
        alarms.tell(reports)
        alarms.tell(reports)
        server.shutdown()
        thread.join()
    assert [message["finding"] for message in got] == ["decreasing"]


def test_the_first_problem_ends_the_following_where_that_is_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (found,) = follow([log_of(tmp_path / "run.log", DEAD)], None, until_problem=True, language="en", poll_seconds=0.05)
    assert any(finding.verdict == "problem" for finding in found.findings)
    said = capsys.readouterr().err
    assert "step 120 of 1,000" in said
    assert "(Decrease)" in said


def test_a_run_that_goes_on_is_not_blamed_for_what_is_still_to_come(tmp_path: Path) -> None:
    (found,) = make_report(log_of(tmp_path / "run.log", FALLING, planned=0), going_on=True)
    verdicts = {finding.id: finding for finding in found.findings}
    assert not [name for name, finding in verdicts.items() if finding.verdict == "problem"]
    assert verdicts["convergence"].evidence["outcome"] in ("going on", "unfinished")


def test_what_belongs_to_following_is_refused_without_it(tmp_path: Path) -> None:
    log = log_of(tmp_path / "run.log", FALLING)
    with pytest.raises(UsageError, match="--follow"):
        report([log], on_problem="true")
    with pytest.raises(UsageError, match="--out DIR"):
        report([log], follow=True)
