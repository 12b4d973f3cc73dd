"""Promotion, rollback, answers and kills in a running `isang serve`: nothing that was accepted is lost."""

import json
import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from isang.service.models.versions import Versions
from isang.service.storage.database import Database
from tests.service.conftest import Process
from tests.service.test_serve import LAST

Start = Callable[..., Process]


def post(service: Process, path: str, body: Any = None, method: str = "POST") -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}{path}", json.dumps(body or {}).encode(), {"Content-Type": "application/json"},
        method=method,
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def states(service: Process) -> dict[str, str]:
    return {model["id"]: model["state"] for model in service.get("/api/v1/models")["models"]}


def held(service: Process) -> tuple[int, set[str], set[str]]:
    """Sessions of all incidents, their ids, and the answers in effect."""
    incidents = service.get("/api/v1/incidents?limit=1000")["incidents"]
    answers = {one["id"] for one in service.get("/api/v1/feedback")["feedback"]}
    return sum(one["sessions"] for one in incidents), {one["id"] for one in incidents}, answers


def over(service: Process, sessions: int = 1) -> dict[str, Any]:
    """The status once all sessions but that of the LAST line are judged, and their incidents written."""
    service.until(lambda status: status["sessions"] >= sessions and status["open_sessions"] == 1, 300)
    return service.until(lambda status: held(service)[0] == status["anomalies"] > 0)


def test_promotion_rollback_answers_and_kills_lose_nothing(shop: Path, tmp_path: Path, serving: Start) -> None:
    """The versions are of one model, so that what they find is what one of them finds."""
    home = tmp_path / "home"
    home.mkdir()
    model = (shop / "out" / "run").resolve()
    database = Database(home / "isang.db")
    versions = Versions(database)
    versions.first("0001", model)
    versions.begin("0002", model, "a test")
    versions.move("0002", "shadow", gates=[])
    database.close()
    text = (shop / "shop.log").read_text().splitlines(keepends=True)[-2400:]
    parts = [text[place : place + 800] for place in (0, 800, 1600)]

    whole = serving(tmp_path / "whole", model, "--idle", "60s")
    assert whole.ingest("".join(text) + LAST, "shop.log")
    expected = over(whole)
    assert whole.end() == 143

    service = serving(home, "--idle", "60s")
    assert service.get("/api/v1/models")["suggestion"] is None
    assert service.ingest("".join(parts[0]), "shop.log")
    service.until(lambda status: bool(held(service)[1]))
    first = service.get("/api/v1/incidents")["incidents"][0]
    answer = post(service, f"/api/v1/incidents/{first['id']}/feedback", {"verdict": "acknowledged"})["feedback"]["id"]
    _, seen, answers = held(service)

    assert post(service, "/api/v1/models/0002/promote")["state"] == "promoted"
    assert service.ingest("".join(parts[1]), "shop.log")
    service.end(signal.SIGKILL)
    service = serving(home, "--idle", "60s")
    assert states(service) == {"0001": "earlier", "0002": "promoted"}
    assert service.until(lambda status: not status["behind"])["model_version"] == "0002"
    assert answers == {answer} == held(service)[2]
    assert seen <= held(service)[1]

    assert post(service, "/api/v1/models/rollback")["id"] == "0001"
    assert service.ingest("".join(parts[2]) + LAST, "shop.log")
    service.end(signal.SIGKILL)
    service = serving(home, "--idle", "60s")
    found = over(service, expected["sessions"])
    assert states(service) == {"0001": "promoted", "0002": "earlier"}
    assert (found["sessions"], found["anomalies"]) == (expected["sessions"], expected["anomalies"])
    assert held(service)[0] == expected["anomalies"]
    assert post(service, f"/api/v1/feedback/{answer}", method="DELETE")["undone"]["id"] == answer
    assert service.end() == 143
