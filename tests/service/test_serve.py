"""The service as a process: what it is sent is judged once, whatever ends it."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.service.conftest import SETTINGS, Process
from tests.synthetic import shop_dataset, shop_log

LAST = "2027-01-01 00:00:00,000 INFO [web] shop.Service: rendered page request=rs999990f\n"
Start = Callable[..., Process]


def lines_of(folder: Path) -> list[str]:
    return (folder / "shop.log").read_text().splitlines(keepends=True)


def anomalies_in(home: Path) -> dict[str, Any]:
    """Events, score and detectors of each anomaly whose session has ended, by session."""
    import json

    with sqlite3.connect(home / "isang.db") as database:
        records = [json.loads(row[0]) for row in database.execute("SELECT record FROM anomalies")]
    database.close()
    return {
        record["session_id"]: (record["start"], record["events"], record["score"], record["detectors"])
        for record in records
        if record["ended"] != "goes on"
    }


def test_records_from_the_network_are_judged_once_over_kills_as_those_of_a_file(
    shop: Path, tmp_path: Path, serving: Start
) -> None:
    """Sent in batches, with SIGKILL between and during them; a batch without an answer is sent again."""
    chance = random.Random(3)
    text = "".join(lines_of(shop)[-2000:])
    followed = serving(tmp_path / "one", shop / "out" / "run", tmp_path / "shop.log", "--idle", "60s")
    (tmp_path / "shop.log").write_text(text + LAST)
    expected = followed.until(lambda status: status["sessions"] >= 200 and status["open_sessions"] == 1)
    assert followed.end() == 143
    assert expected["anomalies"] > 5

    home = tmp_path / "other"
    service = serving(home, shop / "out" / "run", "--idle", "60s")
    rest = text.splitlines(keepends=True)
    kills = 3
    while rest:
        batch = rest[: chance.randrange(1, 120)]
        if kills and chance.random() < 0.1:
            kills -= 1
            service.end(signal.SIGKILL)
            service = serving(home, shop / "out" / "run", "--idle", "60s")
        if service.ingest("".join(batch), "shop.log"):
            rest = rest[len(batch) :]
    assert service.ingest(LAST, "shop.log")
    found = service.until(lambda status: status["sessions"] >= expected["sessions"] and not status["behind"])
    time.sleep(1)
    found = service.get("/api/v1/status")
    assert (found["sessions"], found["anomalies"]) == (expected["sessions"], expected["anomalies"])
    assert service.end() == 143
    assert anomalies_in(home) == anomalies_in(tmp_path / "one")
    assert not list(home.glob("*.partial"))
    incidents = serving(home, shop / "out" / "run").get("/api/v1/incidents")["incidents"]
    assert sum(incident["sessions"] for incident in incidents) == expected["anomalies"]


def test_an_incident_fires_at_once_and_is_listed(shop: Path, tmp_path: Path, serving: Start) -> None:
    service = serving(tmp_path / "home", shop / "out" / "run", "--idle", "60s", "--stdout")
    lines = lines_of(shop)
    assert service.ingest("".join(lines[:300]), "shop.log")
    strange = lines[299].replace(": ", ": the reactor core has melted \x1b[31m<script> ", 1)
    assert service.ingest(strange, "shop.log")
    service.until(lambda status: bool(status["incidents"].get("firing")))
    listed = service.get("/api/v1/incidents?state=firing&limit=5")
    assert listed["schema"] == 1
    named = [one for one in listed["incidents"] if "reactor" in one["title"]]
    assert len(named) == 1
    assert service.get(f"/api/v1/incidents/{named[0]['id']}")["fingerprint"] == named[0]["fingerprint"]
    (example,) = (one for one in named[0]["examples"] if any("reactor" in line["text"] for line in one["lines"]))
    assert [line["position"] for line in example["lines"]] == list(range(example["events"])), "the whole session"
    known = pl.read_parquet(shop / "out" / "run" / "model" / "templates.parquet")["template"]
    assert {line["template"] for line in example["beside"]["lines"]} <= set(known), "a normal one, as templates"
    assert service.get("/readyz") == {"ready": True}
    assert service.end() == 143


def test_without_a_model_it_learns_and_then_detects(tmp_path: Path, serving: Start) -> None:
    """What came while it learned is not judged; what comes then is."""
    home = tmp_path / "home"
    home.mkdir()
    settings = [
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in SETTINGS[name].items()) for name in SETTINGS
    ]
    (home / "isang.toml").write_text("\n".join(settings))
    service = serving(home, "--learning-sessions", "500", "--idle", "60s")
    lines = shop_log(shop_dataset(900)).splitlines(keepends=True)
    assert service.ingest("".join(lines[:2000]), "shop.log")
    assert service.get("/api/v1/status")["state"] == "learning"
    assert "of 500 sessions" in service.get("/api/v1/status")["says"]
    assert service.ingest("".join(lines[2000:6500]), "shop.log")
    service.until(lambda status: status["state"] == "detecting", 300)
    assert [model["state"] for model in service.get("/api/v1/models")["models"]] == ["promoted"]
    assert service.ingest("".join([*lines[6500:7000], LAST]), "shop.log")
    service.until(lambda status: status["sessions"] >= 40)
    service.end(signal.SIGKILL)
    again = serving(home)
    assert again.get("/api/v1/status")["state"] == "detecting"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--listen", "0.0.0.0:0"), 2, "lets others in; set ISANG_TOKEN"),
        (("--listen", "8765"), 2, "must be HOST:PORT"),
        (("nothing-here", "--check"), 1, "no such file or folder"),
        (("nothing-here", "/"), 1, "the first name is a model's folder"),
        (("--home", "/dev/null", "--listen", "127.0.0.1:0"), 2, "is no folder that may be written to"),
        (("--check", "--listen", "127.0.0.1:0"), 0, ""),
    ],
    ids=["open to all", "no host", "no logs", "no model", "no home", "fine"],
)
def test_what_it_cannot_start_with_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int, says: str) -> None:
    command = [sys.executable, "-m", "isang", "serve", "--home", str(tmp_path / "home"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code
    assert says in done.stderr
    assert "Traceback" not in done.stderr
