"""The service's port: who may ask what, what is too much, and what programs read."""

import gzip
import json
import random
import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from isang.errors import UsageError
from isang.service.feedback import Feedback
from isang.service.judging.incident_book import IncidentChange
from isang.service.metrics import Metrics
from isang.service.models.versions import Versions
from isang.service.settings import ServiceSettings, address
from isang.service.storage.database import Database
from isang.service.storage.journal import JournalSource, RecordJournal
from isang.service.web.events import EventChannel
from isang.service.web.http import _READ, application
from tests.service.conftest import Process

Start = Callable[..., Process]
TOKEN, READ = "secret-of-the-service", "only-to-read"
INCIDENT = {
    "id": "a1", "fingerprint": "f1", "stream": "logs", "state": "firing", "severity": "high", "title": "x",
    "first_seen": "2026-01-01T00:00:00+00:00", "last_seen": "2026-01-01T00:01:00+00:00", "sessions": 3,
}  # fmt: skip


class Parts:
    """All that the application asks for, without judging."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.settings = ServiceSettings(home=home, **settings)
        self.journal = RecordJournal(home / "journal", max_bytes=self.settings.journal_bytes)
        self.database, self.metrics, self.events = Database(home / "isang.db"), Metrics(), EventChannel()
        self.put: list[IncidentChange] = []
        self.feedback = Feedback(self.database, self.metrics, self.put.append, self.events.publish)
        self.versions = Versions(self.database)
        self.suggestion: dict[str, Any] | None = None

    def status(self) -> dict[str, Any]:
        return {"state": "detecting"}

    def is_ready(self) -> bool:
        return True

    def model_in_use(self) -> None:
        return None

    def models(self) -> dict[str, Any]:
        return {"schema": 1, "models": self.versions.all(), "waits": None, "suggestion": self.suggestion}

    def train(self, *, force: bool) -> dict[str, Any]:
        return self.versions.begin(self.versions.next_id(self.settings.home), self.settings.home, "asked for")

    def promote(self, name: str) -> dict[str, Any]:
        return self.versions.promote(name)

    def rollback(self) -> dict[str, Any]:
        return self.versions.rollback()

    def close(self) -> None:
        self.journal.close()
        self.database.close()


@pytest.fixture
def parts(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Parts]:
    made = Parts(tmp_path, **getattr(request, "param", {}))
    yield made
    made.close()


def ask(parts: Parts, method: str, path: str, **rest: Any) -> httpx2.Response:
    import asyncio

    async def asked() -> httpx2.Response:
        transport = httpx2.ASGITransport(app=application(parts), client=("127.0.0.1", 1))
        base = rest.pop("base", "http://localhost:8765")
        async with httpx2.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **rest)

    return asyncio.run(asked())


def kept(parts: Parts) -> list[str]:
    return JournalSource(parts.journal).read()[0]["text"].to_list()


def test_what_is_accepted_is_on_disk(parts: Parts) -> None:
    answer = ask(parts, "POST", "/ingest?source=x", content=b"one\ntwo\n\n")
    assert (answer.status_code, answer.json()) == (200, {"accepted": 2, "refused": {}})
    packed = gzip.compress(b"three\n")
    assert ask(parts, "POST", "/ingest", content=packed, headers={"Content-Encoding": "gzip"}).status_code == 200
    assert kept(parts) == ["one", "two", "three"]
    assert 'isang_records_received_total{intake="ingest"} 3.0' in ask(parts, "GET", "/metrics").text


def test_secrets_are_gone_before_records_are_written(parts: Parts) -> None:
    ask(parts, "POST", "/ingest", content=b"login password=hunter2hunter of kim\n")
    sent = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{
        "body": {"stringValue": "login"},
        "attributes": [{"key": "password", "value": {"stringValue": "hunter2hunter"}}],
    }]}]}]}  # fmt: skip
    assert ask(parts, "POST", "/v1/logs", json=sent).status_code == 200
    records = JournalSource(parts.journal).read()[0]
    assert "hunter2" not in records.write_json()
    assert records["text"][0] == "login password=[redacted telling_key] of kim"
    assert list(json.loads(records["fields"][1])) == ["password"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (gzip.compress(b"x" * 300_000), {"Content-Encoding": "gzip"}, 413),
        (b"x" * 70_000, {}, 413),
        (b"no gzip", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"cut off" * 100)[:-9], {"Content-Encoding": "gzip"}, 400),
        (b"x", {"Content-Encoding": "br"}, 415),
    ],
    ids=["bomb", "long", "broken", "cut", "unknown"],
)
@pytest.mark.parametrize("parts", [{"body_bytes": 65_536, "plain_bytes": 262_144}], indirect=True)
def test_what_is_too_much_or_broken_is_refused(
    parts: Parts, content: bytes, headers: dict[str, str], status: int
) -> None:
    assert ask(parts, "POST", "/ingest", content=content, headers=headers).status_code == status
    assert kept(parts) == []


@pytest.mark.parametrize("parts", [{"journal_bytes": 6_000}], indirect=True)
def test_what_never_finds_room_is_refused_for_good(parts: Parts) -> None:
    answer = ask(parts, "POST", "/ingest", content=random.Random(0).randbytes(6_000).hex().encode())
    assert (answer.status_code, "Retry-After" in answer.headers) == (413, False)
    assert "send fewer at a time" in answer.json()["error"]
    assert ask(parts, "POST", "/ingest", content=b"one\n").status_code == 200


@pytest.mark.parametrize("parts", [{"journal_bytes": 6_000}], indirect=True)
def test_a_full_journal_asks_to_come_again(parts: Parts) -> None:
    answers = [ask(parts, "POST", "/ingest", content=f"{number}\n".encode()) for number in range(10)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert refused
    assert all(answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert len(kept(parts)) == 10 - len(refused)


@pytest.mark.parametrize(
    ("method", "path", "named", "status"),
    [
        ("GET", "/api/v1/status", None, 401),
        ("GET", "/metrics", "Bearer wrong", 401),
        ("GET", "/api/v1/status", f"Bearer {READ}", 200),
        ("POST", "/ingest", f"Bearer {READ}", 401),
        ("POST", "/ingest", f"Bearer {TOKEN}", 200),
        ("POST", "/ingest", httpx2.BasicAuth("any", TOKEN), 200),
        ("GET", "/healthz", None, 200),
    ],
)
@pytest.mark.parametrize("parts", [{"host": "0.0.0.0", "token": TOKEN, "read_token": READ}], indirect=True)
def test_tokens_say_who_may_read_and_send(parts: Parts, method: str, path: str, named: Any, status: int) -> None:
    rest = {"auth": named} if isinstance(named, httpx2.BasicAuth) else {"headers": {"Authorization": named or ""}}
    assert ask(parts, method, path, base="http://logs.example", content=b"x\n", **rest).status_code == status


def test_a_local_service_answers_no_foreign_name_or_page(parts: Parts) -> None:
    assert ask(parts, "GET", "/api/v1/status", base="http://attacker.example:8765").status_code == 403
    foreign = {"Origin": "http://attacker.example"}
    assert ask(parts, "POST", "/ingest", content=b"x\n", headers=foreign).status_code == 403
    assert ask(parts, "POST", "/ingest", content=b"x\n", headers={"Origin": "http://localhost:8765"}).status_code == 200


def test_incidents_are_listed_by_what_is_asked(parts: Parts) -> None:
    parts.database.put_incident(INCIDENT, 0)
    parts.database.put_incident({**INCIDENT, "id": "b2", "severity": "critical", "state": "resolved"}, 0)

    def ids(query: str) -> list[str]:
        found = ask(parts, "GET", f"/api/v1/incidents{query}").json()
        assert found["schema"] == 1
        return [incident["id"] for incident in found["incidents"]]

    assert ids("") == ["b2", "a1"]
    assert ids("?state=firing") == ["a1"]
    assert ids("?since=2026-01-02") == []
    assert ids("?limit=1") == ["b2"]
    assert ask(parts, "GET", "/api/v1/incidents?limit=0").status_code == 400
    assert ask(parts, "GET", "/api/v1/incidents?state=burning").status_code == 400
    assert ask(parts, "GET", "/api/v1/incidents/a1").json() == INCIDENT
    assert ask(parts, "GET", "/api/v1/incidents/zz").status_code == 404


def test_a_mistyped_request_is_told_what_there_is(parts: Parts) -> None:
    nothing = ask(parts, "POST", "/v1/log")
    assert (nothing.status_code, nothing.json()["error"].split(";")[0]) == (404, "nothing is at /v1/log")
    assert "/v1/logs" in nothing.json()["error"]
    other = ask(parts, "GET", "/ingest")
    assert (other.status_code, other.headers["Allow"]) == (405, "POST")
    assert other.json() == {"error": "/ingest takes POST, not GET"}
    picture = ask(parts, "POST", "/ingest", content=b"x", headers={"Content-Type": "image/png"})
    assert (picture.status_code, picture.json()["error"]) == (
        415,
        "only text and JSON lines are read here, got image/png",
    )


def test_the_description_names_what_can_be_read(parts: Parts) -> None:
    described = ask(parts, "GET", "/openapi.json").json()
    assert set(_READ) <= set(described["paths"])


def test_what_elasticsearch_clients_ask_before_they_send(parts: Parts) -> None:
    """A browser is sent elsewhere; a Beat is told a version that is not older than its own."""
    asked = ask(parts, "GET", "/", headers={"User-Agent": "Elastic-Filebeat/9.1.2 (linux; amd64)"})
    assert asked.json()["version"]["number"] == "9.1.2"
    assert asked.headers["X-Elastic-Product"] == "Elasticsearch"
    assert ask(parts, "GET", "/", headers={"Accept": "text/html,*/*"}).text.startswith("<!DOCTYPE html>")
    assert ask(parts, "HEAD", "/_index_template/filebeat-9.1.2").status_code == 200
    assert ask(parts, "GET", "/_ilm/policy/filebeat").status_code == 200
    assert ask(parts, "PUT", "/_index_template/x", json={}).json() == {"acknowledged": True}
    assert (
        ask(parts, "GET", "/_nodes/_all/http").json()["nodes"]["isang"]["http"]["publish_address"] == "localhost:8765"
    )
    assert kept(parts) == []


def test_the_elasticsearch_client_finds_the_service_by_sniffing(tmp_path: Path, shop: Path, serving: Start) -> None:
    """The real client over the service's port, without any setting of its own."""
    from elasticsearch import Elasticsearch
    from elasticsearch.helpers import bulk

    service = serving(tmp_path / "home", shop / "out" / "run")
    with Elasticsearch(f"http://127.0.0.1:{service.port}", sniff_on_start=True) as client:
        assert client.ping()
        assert client.info()["tagline"] == "You Know, for Search"
        assert bulk(client, [{"_index": "logs", "message": f"request {number}"} for number in range(3)]) == (3, [])


def test_listening_to_others_needs_a_token_or_a_proxy() -> None:
    with pytest.raises(UsageError, match="set ISANG_TOKEN"):
        ServiceSettings(host="0.0.0.0")
    assert not ServiceSettings(host="0.0.0.0", proxy="10.0.0.1").is_local
    assert ServiceSettings(host="::1").is_local
    assert address("[::1]:80") == ("::1", 80)
    with pytest.raises(UsageError, match="must be HOST:PORT"):
        address("localhost")


def test_connections_that_say_nothing_are_closed(tmp_path: Path, serving: Start) -> None:
    service = serving(tmp_path / "home")
    silent = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(600)]  # more than half of all
    for one in silent:
        one.settimeout(30)
        assert one.recv(1) == b""
        one.close()
    assert service.get("/healthz") == {"status": "ok"}
    text = urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=20).read().decode()
    assert 'isang_requests_refused_total{reason="silent_connection"} 600.0' in text
