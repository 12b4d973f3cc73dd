"""What a small run says of later logs: they are compared with those that it learned from, without a budget."""

import io
import json
from pathlib import Path

import pytest

from isang.stages.small_runs import LEARNED, recordings
from tests.commands import isang

FAULT = "ERROR disk 3 is gone, 14 blocks are lost"


def beats(count: int, *, hour: int, fault: bool = False) -> str:
    lines = [
        f"2026-01-05 {hour:02d}:{n // 60:02d}:{n % 60:02d},000 INFO {('beat', 'write', 'flush')[n % 3]} {n} done\n"
        for n in range(count)
    ]
    if fault:
        lines.insert(count // 2, f"2026-01-05 {hour:02d}:{count // 120:02d}:{count // 2 % 60:02d},500 {FAULT}\n")
    return "".join(lines)


def stream(text: str) -> io.TextIOWrapper:
    """Standard input that holds the text."""
    return io.TextIOWrapper(io.BytesIO(text.encode()))


@pytest.fixture(params=[80, 1_500], ids=["no model", "a model without a budget"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """`good.log` with what `isang run` made of it in `out`, another good log, and one with a fault."""
    (tmp_path / "good.log").write_text(beats(request.param, hour=9))
    (tmp_path / "later.log").write_text(beats(request.param, hour=11))
    (tmp_path / "bad.log").write_text(beats(request.param, hour=13, fault=True))
    result = isang("run", tmp_path / "good.log", "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "out" / "run").exists() == (request.param > 80)
    return tmp_path


def incidents(place: Path, log: str) -> list[str]:
    result = isang("detect", place / "out", place / log, "--out", place / f"{log}.found")
    assert result.returncode == 0, result.stderr
    assert "hold no alert budget" in result.stdout
    assert (place / f"{log}.found" / "index.html").is_file()
    return [one["title"] for one in json.loads((place / f"{log}.found" / "incidents.json").read_text())["incidents"]]


def test_a_fault_is_an_incident_and_a_good_log_has_none(place: Path) -> None:
    assert incidents(place, "later.log") == []
    (title,) = incidents(place, "bad.log")
    assert title.startswith("Disk … is gone, … blocks are lost: 1 ")


def test_json_has_the_incidents_that_belong_to_no_session(place: Path) -> None:
    assert isang("detect", place / "out", place / "later.log", "--json").stdout == ""
    found = isang("detect", place / "out", place / "bad.log", "--json").stdout.splitlines()
    (incident,) = (one for one in map(json.loads, found) if "session_id" not in one)
    assert incident["title"].startswith("Disk … is gone")
    assert {"fingerprint", "severity", "reasons"} <= incident.keys()


def test_several_good_recordings_are_compared_with_one_by_one() -> None:
    learned = ["one/app.log", "one/web.log", "two/app.log", "two/web.log"]
    apart = {"one": learned[:2], "two": learned[2:]}
    assert recordings(learned, [Path("later/web.log"), Path("later/app.log")]) == apart
    together = {LEARNED: learned}
    assert recordings(learned, [Path("later/app.log")]) == together
    assert recordings(learned, [Path("a/app.log"), Path("a/web.log"), Path("b/app.log")]) == together


def test_logs_that_have_changed_are_not_compared_with(place: Path) -> None:
    with (place / "good.log").open("a") as file:
        file.write(beats(3, hour=10))
    result = isang("detect", place / "out", place / "bad.log")
    assert "good.log is gone or has changed" in result.stderr
    assert (result.returncode == 0) == (place / "out" / "run").exists(), "without a model nothing is left to judge by"


def test_its_own_log_has_no_incident_and_says_why(place: Path) -> None:
    result = isang("detect", place / "out", place / "good.log")
    if (place / "out" / "run").exists():
        assert result.returncode == 0, result.stderr
    else:
        assert result.returncode == 2
        assert "give other logs" in result.stderr


def test_what_cannot_be_compared_takes_nothing_from_a_run(tmp_path: Path) -> None:
    """Standard input cannot be read again, and a comparison reads each file of a folder or none."""
    text = beats(1_500, hour=9)
    piped = isang("run", "-", "--out", tmp_path / "piped", stdin=stream(text))
    assert piped.returncode == 0, piped.stderr
    assert "standard input cannot be read again" in piped.stderr
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "beat.log").write_text(text)
    (tmp_path / "logs" / "core").write_bytes(bytes(range(256)) * 40)
    mixed = isang("run", tmp_path / "logs", "--out", tmp_path / "mixed")
    assert mixed.returncode == 0, mixed.stderr
    assert "nothing beside the sessions is compared" in mixed.stderr


def test_a_small_log_on_standard_input_is_one_clear_line(tmp_path: Path) -> None:
    result = isang("run", "-", "--out", tmp_path / "out", stdin=stream(beats(80, hour=9)))
    assert result.returncode == 1
    assert "write it to a file" in result.stderr
    assert not (tmp_path / "out").exists()
