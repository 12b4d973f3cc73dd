"""What goes out: alerts that Alertmanager accepts, and signed requests that a receiver can check."""

import hashlib
import hmac
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from isang.service.outputs import Notice, OutgoingRequest, outcome_of
from isang.service.outputs.alertmanager import Alertmanager
from isang.service.outputs.webhook import Webhook

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)


def notice(event: Any = "firing", now: datetime = NOW, **changes: Any) -> Notice:
    incident = {
        "id": "i1", "fingerprint": "f1", "severity": "high", "stream": "logs",
        "title": "It broke\x1b[31m", "sessions": 3,
        "first_seen": (now - timedelta(minutes=5)).isoformat(), "last_seen": (now - timedelta(minutes=1)).isoformat(),
        "reasons": [{"line": {"text": "ERROR it broke\nat a"}}],
    }  # fmt: skip
    return Notice(event, incident | changes, "http://127.0.0.1:8765/incidents/i1")


def body(request: OutgoingRequest | None) -> Any:
    assert request is not None
    return json.loads(request.body)


def test_an_alert_by_hand() -> None:
    (alert,) = body(Alertmanager("http://127.0.0.1:9093/", 60).request([notice()], NOW_US))
    assert alert == {
        "labels": {"alertname": "IsangIncident", "severity": "high", "stream": "logs", "fingerprint": "f1"},
        "annotations": {"summary": "It broke\\x1b[31m", "description": "ERROR it broke", "sessions": "3"},
        "startsAt": "2026-03-01T11:55:00+00:00",
        "endsAt": "2026-03-01T12:04:00+00:00",
        "generatorURL": "http://127.0.0.1:8765/incidents/i1",
    }
    (resolved,) = body(Alertmanager("http://127.0.0.1:9093").request([notice("resolved")], NOW_US))
    assert resolved["endsAt"] == "2026-03-01T11:59:00+00:00"
    (without_clock,) = body(
        Alertmanager("http://127.0.0.1:9093").request([notice("resolved", first_seen=None, last_seen=None)], NOW_US)
    )
    assert without_clock["startsAt"] == without_clock["endsAt"] == "2026-03-01T12:00:00+00:00"


def test_a_receiver_can_check_the_signature() -> None:
    request = Webhook("http://127.0.0.1/hook", "secret").request([notice()], NOW_US)
    assert request is not None
    signed = request.headers["X-Isang-Timestamp"].encode() + b"." + request.body
    expected = hmac.new(b"secret", signed, hashlib.sha256).hexdigest()
    assert request.headers["X-Isang-Signature"] == f"sha256={expected}"
    assert request.headers["X-Isang-Timestamp"] == str(int(NOW.timestamp()))
    assert [told["event"] for told in body(request)["notices"]] == ["firing"]
    unsigned = Webhook("http://127.0.0.1/hook").request([notice()], NOW_US)
    assert unsigned is not None
    assert "X-Isang-Signature" not in unsigned.headers


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "delivered"), (204, "delivered"), (400, "refused"), (404, "refused"), (408, "retry"), (429, "retry"),
        (503, "retry"),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, outcome: str) -> None:
    assert outcome_of(status) == outcome


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Alertmanager."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if program is None:
        pytest.skip("needs Debian's prometheus-alertmanager")
    folder: Path = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text("route:\n  receiver: none\nreceivers:\n  - name: none\n")
    port = free_port()
    process = subprocess.Popen(
        [
            program, f"--config.file={folder / 'config.yml'}", f"--storage.path={folder}", "--cluster.listen-address=",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    for _ in range(200):
        try:
            urllib.request.urlopen(f"{address}/-/ready", timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    yield address
    process.terminate()
    process.wait(10)


def alerts_at(address: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{address}/api/v2/alerts", timeout=5) as answer:
        return json.loads(answer.read())  # type: ignore[no-any-return]


def send(request: OutgoingRequest | None) -> int:
    assert request is not None
    asked = urllib.request.Request(request.url, request.body, dict(request.headers), method=request.method)
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return int(answer.status)


def test_alertmanager_shows_an_alert_until_it_is_resolved(alertmanager: str) -> None:
    sender, now = Alertmanager(alertmanager), datetime.now(UTC)
    now_us = int(now.timestamp() * 1e6)
    assert sender.outcome(send(sender.request([notice(now=now)], now_us)), b"") == "delivered"
    (alert,) = alerts_at(alertmanager)
    assert alert["labels"]["fingerprint"] == "f1"
    assert alert["annotations"]["summary"] == "It broke\\x1b[31m"
    send(sender.request([notice("repeated", now=now)], now_us + 1_000_000))
    assert len(alerts_at(alertmanager)) == 1, "the same alert, not a second one"
    send(sender.request([notice("resolved", now=now)], now_us + 2_000_000))
    assert alerts_at(alertmanager) == []
