"""Any alert can be judged again from what is kept: of a result, and of the service's home folder."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from isang import stages
from isang.artifact import load_model
from isang.detection.live import Following
from isang.detection.reproduction.again import reproduce
from isang.detection.reproduction.results import alerts_of
from isang.detection.reproduction.words import of_reproduced
from isang.errors import InputError, UsageError
from isang.service.judging.incident_book import IncidentBook
from isang.service.models.versions import Versions
from isang.service.reproducing import is_home, reproduced_in
from isang.service.storage.database import Database
from tests.synthetic import shop_dataset, shop_log


@pytest.fixture(scope="module")
def home(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder whose service has judged a growing log, in two looks."""
    home = tmp_path_factory.mktemp("home")
    lines = shop_log(shop_dataset(500, seed=7, anomalous_every=10)).splitlines(keepends=True)
    log = home / "shop.log"
    log.write_text("".join(lines[: len(lines) // 2]))
    model = load_model(shop / "out")
    database = Database(home / "isang.db")
    Versions(database).first("0001", (shop / "out").resolve())
    book = IncidentBook(database, model, "m1")
    following = Following(model, [str(log)], with_sessions=True)
    book.add(following.poll()[1], following.sessions, following.follower.now_us())
    with log.open("a") as more:
        more.write("".join(lines[len(lines) // 2 :]))
    for found in (following.poll()[1], following.finish()):
        book.add(found, following.sessions, following.follower.now_us())
    following.close()
    database.close()
    return home


@pytest.fixture
def database(home: Path) -> Iterator[Database]:
    found = Database(home / "isang.db")
    yield found
    found.close()


def test_every_alert_of_a_result_is_reproduced(shop: Path) -> None:
    incidents = json.loads((shop / "out" / "incidents.json").read_text())
    sessions = 0
    for incident in incidents["incidents"] + incidents["smaller"]:
        found = stages.reproduce(shop / "out", incident["fingerprint"])
        assert [one.differences for one in found] == [()] * len(found)
        assert [one.about for one in found] == [()] * len(found)
        sessions += len(found)
    records = (shop / "out" / "anomalies.jsonl").read_text().splitlines()
    assert sessions == len(records) > 20
    kept = [json.loads(line) for line in (shop / "out" / "kept_sessions.jsonl").read_text().splitlines()]
    assert any(one["beside"] for one in kept), "one of them stands in a crowd"


def test_an_incident_is_named_by_its_id_and_a_session_by_its_own(shop: Path, tmp_path: Path) -> None:
    incident = json.loads((shop / "out" / "incidents.json").read_text())["incidents"][0]
    by_id, by_name = (alerts_of(shop / "out", incident[name], None) for name in ("id", "fingerprint"))
    assert by_id == by_name
    session = by_id[0][0]["session_id"]
    for name in ("incidents.json", "anomalies.jsonl", "kept_sessions.jsonl"):
        shutil.copy(shop / "out" / name, tmp_path / name)
    (found,) = stages.reproduce(shop / "out" / "run" / "model", session, tmp_path / "anomalies.jsonl")
    assert found.to_dict()["reproduced"] is True
    with pytest.raises(UsageError, match="no session and no incident 'nothing'"):
        stages.reproduce(shop / "out", "nothing")
    (tmp_path / "kept_sessions.jsonl").write_text('{"schema": 1}\n')
    with pytest.raises(InputError, match=r"kept_sessions\.jsonl:1"):
        stages.reproduce(shop / "out", session, tmp_path)
    (tmp_path / "kept_sessions.jsonl").unlink()
    with pytest.raises(InputError, match="detect again"):
        stages.reproduce(shop / "out", session, tmp_path)


def test_what_differs_is_said(shop: Path) -> None:
    model = load_model(shop / "out")
    fingerprint = json.loads((shop / "out" / "incidents.json").read_text())["incidents"][0]["fingerprint"]
    (then, kept) = alerts_of(shop / "out", fingerprint, None)[0]
    other = replace(model, facts={**model.facts, "training_sessions": 1})
    found = reproduce(other, kept, then)
    assert not found.differences
    assert "the model is another one" in found.about[0]
    forged = then | {"score": 99.0, "reasons": then["reasons"][1:]}
    found = reproduce(model, kept, forged)
    assert found.differences[0].endswith("and was 99")
    assert any("was not there" in what for what in found.differences)
    text = "\n".join(of_reproduced([found]))
    assert "not reproduced" in text
    wider = kept | {"settings": kept["settings"] | {"alerts_per_thousand": 1e-6}}
    found = reproduce(model, wider, then)
    assert "the threshold is 9, and was 3" in found.differences
    assert "alerts_per_thousand 1e-06" in found.about[0]
    with pytest.raises(InputError, match="events must be below"):
        reproduce(model, kept | {"events": [99]}, then)


def test_every_alert_of_a_home_folder_is_reproduced(home: Path, database: Database) -> None:
    assert is_home(home)
    incidents = database.incidents()
    assert incidents
    for incident in incidents:
        found = reproduced_in(home, incident["id"])
        assert len(found) == len(database.anomalies_of(incident["id"]))
        assert [(one.differences, one.about) for one in found] == [((), ())] * len(found)
    record = database.anomalies_of(incidents[0]["id"])[0]
    assert "kept" not in record
    assert len(reproduced_in(home, record["session_id"])) >= 1
    assert reproduced_in(home, incidents[0]["fingerprint"])
    with pytest.raises(UsageError, match="no incident and no session"):
        reproduced_in(home, "nothing")


def test_sessions_beyond_those_that_are_kept_are_forgotten(home: Path, tmp_path: Path) -> None:
    shutil.copy(home / "isang.db", tmp_path / "isang.db")
    database = Database(tmp_path / "isang.db")
    incident = database.incidents()[0]["id"]
    first = database.anomalies_of(incident)[0]
    key = hashlib.sha256(f"{first['session_id']}|{first['start']}".encode()).hexdigest()[:24]
    assert database.anomaly(key) is not None
    before = len(database.kept_of(incident))
    database.forget_anomalies([key])
    assert len(database.kept_of(incident)) == len(database.anomalies_of(incident)) == before - 1
    assert database.anomaly(key) is not None, "that it came is still known"
    database.close()
