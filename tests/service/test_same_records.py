"""A record is the same whoever brings it: a file, OTLP and syslog give the same anomalies."""

import json
import re
import socket
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tests.service.conftest import Process
from tests.service.test_serve import LAST, anomalies_in, lines_of


def test_the_same_logs_by_file_otlp_and_syslog_give_the_same_anomalies(
    shop: Path, tmp_path: Path, serving: Callable[..., Process]
) -> None:
    lines = [line.rstrip("\n") for line in [*lines_of(shop)[-600:], LAST]]
    model, idle = shop / "out" / "run", ("--idle", "60s")

    def by_file(home: Path) -> Process:
        (tmp_path / "shop.log").write_text("\n".join([*lines, ""]))
        return serving(home, model, tmp_path / "shop.log", *idle)

    def by_otlp(home: Path) -> Process:
        service = serving(home, model, *idle)
        records = [{"body": {"stringValue": line}} for line in lines]
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
        body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
        address = f"http://127.0.0.1:{service.port}/v1/logs"
        request = urllib.request.Request(address, json.dumps(body).encode(), {"Content-Type": "application/json"})
        assert urllib.request.urlopen(request, timeout=60).status == 200
        return service

    def by_syslog(home: Path) -> Process:
        service = serving(home, model, *idle, "--syslog", "127.0.0.1:0")
        found = re.search(r"syslog: 127\.0\.0\.1:(\d+)", Path(service.errors.name).read_text())
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=60) as client:
            for line in lines:
                message = f"<14>1 {line.partition(' ')[0]} host shop - - - {line}".encode()
                client.sendall(str(len(message)).encode() + b" " + message)
        return service

    told = {}
    for name, send in (("file", by_file), ("otlp", by_otlp), ("syslog", by_syslog)):
        service = send(tmp_path / name)
        service.until(lambda status: status["sessions"] >= 50 and status["open_sessions"] == 1 and not status["behind"])
        service.end()
        told[name] = anomalies_in(tmp_path / name)
    assert len(told["file"]) > 2
    assert told["otlp"] == told["file"]
    assert told["syslog"] == told["file"]
