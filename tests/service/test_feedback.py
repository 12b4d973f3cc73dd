"""Answers and orders over HTTP, and what becomes of incidents, answers and versions in any order of events."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest

from isang.detection.causes.grouping import incidents_of
from isang.service.judging.incident_book import IncidentBook
from isang.service.models.versions import Versions
from isang.service.storage.database import Database
from tests.detection.test_incidents import HOUR, new
from tests.service.test_web import Parts, ask, parts

__all__ = ["parts"]

QUIET = "cache was warmed up in <*>"


class Facts:
    """All of a model that the book of incidents asks for."""

    facts: ClassVar = {"period_sessions": 1000, "left_out_as_anomalous": 0}


def records(*seconds: float, template: str = QUIET) -> list[dict[str, Any]]:
    found = [new(second, template) for second in seconds]
    incidents_of(found, HOUR)
    return [one | {"ended": "silent", "may_go_on": False} for one in json.loads(json.dumps(found))]


def book_of(parts: Parts) -> IncidentBook:
    return IncidentBook(parts.database, Facts(), "m1", parts.feedback.answers)  # type: ignore[arg-type]


def test_an_answer_silences_at_once_and_undo_brings_it_back(parts: Parts) -> None:
    (change,) = book_of(parts).add(records(10, 12), 100, 0)
    shown = ask(parts, "POST", f"/api/v1/incidents/{change.incident['id']}/feedback",
                json={"verdict": "normal", "dry_run": True})  # fmt: skip
    assert shown.json()["accepted"] is False
    assert [one["id"] for one in shown.json()["effect"]["would_silence"]] == [change.incident["id"]]
    assert ask(parts, "GET", "/api/v1/feedback").json() == {"schema": 1, "feedback": []}

    assert parts.feedback.measured(1000, 1.0)["per_thousand"]["value"] is None, "nobody has answered yet"
    parts.feedback.judged = lambda: 500
    given = ask(parts, "POST", f"/api/v1/incidents/{change.incident['id']}/feedback", json={"verdict": "normal"})
    answer = given.json()["feedback"]["id"]
    assert [put.event for put in parts.put] == ["resolved"]
    (quiet,) = ask(parts, "GET", "/api/v1/incidents?silenced=true").json()["incidents"]
    assert quiet["silenced_by"] == answer == quiet["feedback"]["id"]
    assert ask(parts, "GET", "/api/v1/incidents?silenced=false").json()["incidents"] == []
    measured = parts.feedback.measured(1000, 1.0)
    assert (measured["false_alarms_told"], measured["reviewed_sessions"], measured["sessions"]) == (2, 500, 1000)
    assert measured["per_thousand"]["value"] == 4.0
    assert "isang_false_alarms_told_total 2.0" in ask(parts, "GET", "/metrics").text

    assert ask(parts, "DELETE", f"/api/v1/feedback/{answer}").json()["undone"]["id"] == answer
    assert [put.event for put in parts.put] == ["resolved", "firing"]
    assert len(ask(parts, "GET", "/api/v1/incidents?silenced=false").json()["incidents"]) == 1
    assert ask(parts, "DELETE", f"/api/v1/feedback/{answer}").status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/api/v1/incidents/none/feedback", {"verdict": "normal"}, 404, "no such incident"),
        ("/api/v1/incidents/none/feedback", {"verdict": "fine"}, 400, "verdict must be"),
        ("/api/v1/incidents/none/feedback", {"verdict": "normal", "until": "later"}, 400, "until must be a time"),
        ("/api/v1/incidents/none/feedback", {"verdict": "normal", "more": 1}, 400, "more, which this version"),
        ("/api/v1/incidents/none/feedback", [], 400, "must be an object"),
        ("/api/v1/models/0009/promote", {}, 404, "no such model"),
        ("/api/v1/models/rollback", {}, 409, "no earlier model"),
        ("/api/v1/models/train", {"sure": True}, 400, "must be empty"),
    ],
)
def test_what_cannot_be_done_is_said(parts: Parts, path: str, body: Any, status: int, says: str) -> None:
    answer = ask(parts, "POST", path, json=body)
    assert (answer.status_code, says in answer.json()["error"]) == (status, True)


def test_a_version_goes_its_way(parts: Parts, tmp_path: Path) -> None:
    versions = parts.versions
    versions.first("0001", tmp_path / "a")
    assert ask(parts, "POST", "/api/v1/models/train").status_code == 202
    assert ask(parts, "POST", "/api/v1/models/train").status_code == 409
    assert ask(parts, "POST", "/api/v1/models/0002/promote").status_code == 409
    versions.move("0002", "shadow", gates=[])
    assert ask(parts, "POST", "/api/v1/models/0002/promote").json()["state"] == "promoted"
    assert versions.one("0001")["state"] == "earlier"
    assert ask(parts, "POST", "/api/v1/models/rollback").json()["id"] == "0001"
    assert ask(parts, "POST", "/api/v1/models/rollback").status_code == 409
    assert ask(parts, "POST", "/api/v1/models/0002/promote").json()["state"] == "promoted"
    states = [version["state"] for version in ask(parts, "GET", "/api/v1/models").json()["models"]]
    assert sorted(states) == ["earlier", "promoted"]


def test_training_that_the_service_did_not_outlive_has_failed(tmp_path: Path) -> None:
    versions = Versions(Database(tmp_path / "isang.db"))
    versions.begin("0001", tmp_path, "asked for")
    again = Versions(Database(tmp_path / "isang.db"))
    again.interrupted()
    assert again.one("0001")["state"] == "failed"
    assert again.begin("0002", tmp_path, "asked for")["state"] == "training"


def test_a_silenced_incident_goes_on_silently_and_another_beside_it_is_told(parts: Parts) -> None:
    book = book_of(parts)
    (change,) = book.add(records(10), 100, 0)
    parts.feedback.give(change.incident["id"], {"verdict": "normal"})
    (silenced,) = book.answer(parts.feedback.answers, 100, 0)
    assert silenced.event == "silenced"
    more = [one | {"silenced_by": silenced.incident["silenced_by"]} for one in records(40)]
    changes = book.add([*more, *records(45, template="disk is full")], 100, 0)
    assert sorted(one.event for one in changes) == ["firing", "silenced"]
    assert {one.event: one.incident["sessions"] for one in changes} == {"silenced": 2, "firing": 1}
