"""The service in trouble: killed, no room on the disk, nobody to tell, slow and many clients.

    python benchmarks/serving_faults.py MODEL [--parts kills,disk,alertmanager,clients] [--kills 50]

MODEL was trained on the recorded sample. Requests of the sample are sent by a client that sends each batch again until
it is told that it is kept; every tenth request is followed by a line that was never seen before, in a session of its
own. Lost: such sessions without an alert in the database. Told again: alerts that came more than once.
"""

import argparse
import hashlib
import http.server
import json
import random
import re
import resource
import select
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from following_load import LOGS, MARK
from serving import SENT, SHOPS, Files, Line, Service, batches, lines, otlp, running, tell

EVERY = 10
SMALL = 50
"""Records of a request."""
FULL_BYTES = 1 << 20
"""No file may become larger while the disk is full."""
INGEST = ("/ingest?source=catalogue", "text/plain", lambda batch: "".join(f"{text}\n" for _, text in batch).encode())


def marked(records: Sequence[Line], chance: random.Random) -> tuple[list[Line], set[str]]:
    """Lines with some that were never seen, and for each of these the session and its start, as anomalies are known."""
    found, marks = [], set()
    for number, (log, text) in enumerate(records):
        found.append((log, text))
        if number % EVERY == 0:
            mark = f"{chance.randrange(16**10):010x}"
            moment = re.search(r"(20\d\d-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", text)
            if moment is not None:
                found.append(
                    ("catalogue-0", f"{moment[1]} {moment[2]},000 INFO catalogue [rid={mark}] {MARK} at {mark}")
                )
                marks.add(f"{mark}|{moment[1]}T{moment[2]}+00:00")
    return found, marks


def alerted(home: Path, marks: Iterable[str]) -> set[str]:
    """Those of the marks whose sessions are known as anomalous; of many, an incident keeps no record but the key."""
    with sqlite3.connect(home / "isang.db") as database:
        keys = {row[0] for row in database.execute("SELECT key FROM anomalies")}
    database.close()
    return {mark for mark in marks if hashlib.sha256(mark.encode()).hexdigest()[:24] in keys}


class Sender:
    """Sends batches to a service that may be gone: whether the service said that they are kept."""

    arguments: tuple[object, ...] = ()
    """Of the service."""

    def __init__(self, name: str) -> None:
        self._sent = {**SENT, "ingest": INGEST}[name]

    def send(self, service: Service, batch: Sequence[Line]) -> bool:
        path, kind, body = self._sent
        return service.post(path, body(batch), kind)

    def finish(self, service: Service) -> None:
        """All has been sent."""


class GrpcSender(Sender):
    """OTLP over gRPC."""

    def __init__(self) -> None:
        self._port = free_port()
        self.arguments = ("--otlp-grpc", f"127.0.0.1:{self._port}")

    def send(self, service: Service, batch: Sequence[Line]) -> bool:
        import grpc
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

        with grpc.insecure_channel(f"127.0.0.1:{self._port}") as channel:
            try:
                LogsServiceStub(channel).Export(ExportLogsServiceRequest.FromString(otlp(batch)), timeout=20)
            except grpc.RpcError:
                return False
        return True


class SyslogSender(Sender):
    """RFC 5424 over TCP, which knows no answers: what lies in the system's buffers when the service dies is gone."""

    def __init__(self) -> None:
        self._port = free_port()
        self.arguments = ("--syslog", f"127.0.0.1:{self._port}")
        self._connection: socket.socket | None = None

    def send(self, service: Service, batch: Sequence[Line]) -> bool:
        messages = [f"<14>1 - shop {log} - - - {text}\n".encode() for log, text in batch]
        try:
            if self._connection is None:
                self._connection = socket.create_connection(("127.0.0.1", self._port), timeout=20)
            if select.select([self._connection], [], [], 0)[0] and not self._connection.recv(1):
                raise ConnectionResetError
            self._connection.sendall(b"".join(messages))
        except OSError:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return False
        time.sleep(0.02)
        return True

    def finish(self, service: Service) -> None:
        time.sleep(2)
        if self._connection is not None:
            self._connection.close()


class KafkaSender(Sender):
    """Kafka, by the mock cluster of its client; a topic for each log."""

    def __init__(self) -> None:
        from confluent_kafka import Producer

        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
        broker = next(iter(self._producer.list_topics(timeout=20).brokers.values()))
        topics = [f"{log}-{shop}" for log in LOGS for shop in range(SHOPS)]
        named = [part for topic in topics for part in ("--kafka-topic", topic)]
        self.arguments = ("--kafka", f"{broker.host}:{broker.port}", *named)

    def send(self, service: Service, batch: Sequence[Line]) -> bool:
        for log, text in batch:
            self._producer.produce(log, text, partition=0)
        self._producer.flush(20)
        time.sleep(0.02)
        return True

    def finish(self, service: Service) -> None:
        """A group takes over from a consumer that was killed after its session has run out, ten seconds."""
        received, end = -1, time.time() + 120
        while time.time() < end:
            time.sleep(12)
            found = re.search(rb'^isang_records_received_total.intake="kafka". (\S+)$', service.get("/metrics"), re.M)
            now = round(float(found[1])) if found else 0
            if now == received:
                return
            received = now


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


SENDERS: dict[str, Callable[[], Sender]] = {
    "otlp_grpc": GrpcSender,
    "syslog_tcp": SyslogSender,
    "kafka": KafkaSender,
}


def kills(model: Path, name: str, count: int, records: Sequence[Line]) -> None:
    """SIGKILL at random moments while one client sends, or while files are written that are followed."""
    chance = random.Random(name)
    sent, marks = marked(records, chance)
    waiting = list(batches(sent, SMALL))
    with tempfile.TemporaryDirectory() as folder:
        home, logs = Path(folder) / "home", Path(folder) / "logs"
        logs.mkdir()
        files = Files(logs)
        sender = None if name == "files" else SENDERS.get(name, lambda: Sender(name))()
        arguments = [logs] if sender is None else sender.arguments
        service = Service(home, model, *arguments, "--idle", "5s")

        def send(batch: Sequence[Line]) -> bool:
            if sender is None:
                files.write(batch)
                time.sleep(0.02)
                return True
            return sender.send(service, batch)

        done = again = 0
        per_kill = max(1, len(waiting) // (count + 1))
        for number in range(count + 1):
            timer = threading.Timer(chance.uniform(0.05, 1.5), lambda: service.process.send_signal(signal.SIGKILL))  # noqa: B023
            if number < count:
                timer.start()
            until = len(waiting) if number == count else min(len(waiting), (number + 1) * per_kill)
            while done < until and service.process.poll() is None:
                if send(waiting[done]):
                    done += 1
                else:
                    again += 1
            if number < count:
                timer.join()
                service.process.wait(60)
                service = Service(home, model, *arguments, "--idle", "5s")
        if sender is not None:
            sender.finish(service)
        while json.loads(service.get("/api/v1/status"))["behind"]:
            time.sleep(0.2)
        time.sleep(8)  # the last sessions end
        service.end()
        tell(
            "kills", intake=name, kills=count, records=len(sent), batches_sent_again=again, marked=len(marks),
            lost=len(marks - alerted(home, marks)),
        )  # fmt: skip


def disk(model: Path, seconds: float, records: Sequence[Line]) -> None:
    """No file may grow beyond FULL_BYTES for a while, as on a full disk: what clients are told, and what is lost."""
    path, kind, body = SENT["otlp_http"]
    sent, marks = marked(records, random.Random(5))
    waiting = list(batches(sent, SMALL))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        service = Service(home, model, "--idle", "5s")
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (FULL_BYTES, resource.RLIM_INFINITY))
        begin, refused, done, room = time.time(), 0, 0, False
        while done < len(waiting) or not room:
            if not room and time.time() > begin + seconds:
                room = True
                resource.prlimit(
                    service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
                )
            if done < len(waiting) and service.post(path, body(waiting[done]), kind):
                done += 1
            else:
                refused += done < len(waiting)
                time.sleep(0.2)
        recovered = time.time() - begin - seconds
        while json.loads(service.get("/api/v1/status"))["behind"]:
            time.sleep(0.2)
        time.sleep(7)  # judging tries again every five seconds
        service.end()
        lost = len(marks - alerted(home, marks))
        tell("disk_full", seconds=seconds, refused=refused, all_taken_after=recovered, marked=len(marks), lost=lost)


class _Alertmanager(http.server.BaseHTTPRequestHandler):
    """Takes alerts."""

    taken: list[Any]

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        type(self).taken += json.loads(self.rfile.read(size))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


def alertmanager(model: Path, seconds: float, records: Sequence[Line]) -> None:
    """Nobody answers for a while: how long until all that fires is told."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path, kind, body = SENT["otlp_http"]
    sent, _ = marked(records, random.Random(6))
    handler = type("Handler", (_Alertmanager,), {"taken": []})
    with running(model, "--idle", "5s", "--alertmanager", f"http://127.0.0.1:{port}") as (service, _folder):
        for batch in batches(sent, SMALL):
            service.post(path, body(batch), kind)
        time.sleep(seconds)
        firing = len(json.loads(service.get("/api/v1/incidents?state=firing&silenced=false"))["incidents"])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        begin = time.time()
        while len({alert["labels"].get("alertname", "") + str(alert["labels"]) for alert in handler.taken}) < firing:
            if time.time() > begin + 300:
                break
            time.sleep(0.2)
        tell("alertmanager_down", seconds=seconds, firing=firing, told_after=time.time() - begin)
        server.shutdown()


def clients(model: Path, connections: int) -> None:
    """Connections that say nothing, and some that send a byte a second: how long others wait."""
    with running(model) as (service, _):
        opened = list(_connected(service.port, connections))
        for one in opened[:50]:
            one.sendall(b"POST /ingest HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
        waits, refused = [], 0
        for _ in range(20):
            for one in opened[:50]:
                try:
                    one.sendall(b"x")
                except OSError:
                    continue
            begin = time.time()
            try:
                service.get("/healthz")
            except OSError:
                refused += 1
            waits.append(time.time() - begin)
            time.sleep(1)
        time.sleep(15)
        closed = sum(_is_closed(one) for one in opened[:50])
        tell(
            "clients", connections=len(opened), slow=50, longest_answer=max(waits), refused=refused, slow_closed=closed
        )
        for one in opened:
            one.close()
        begin = time.time()
        service.get("/healthz")
        tell("clients_gone", answer=time.time() - begin)


def _connected(port: int, count: int) -> Iterator[socket.socket]:
    for _ in range(count):
        yield socket.create_connection(("127.0.0.1", port), timeout=30)


def _is_closed(one: socket.socket) -> bool:
    one.settimeout(0.05)
    try:
        while data := one.recv(4096):
            if b"408" in data:
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def main() -> None:
    """Print the figures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("--parts", default="kills,disk,alertmanager,clients")
    parser.add_argument("--intakes", default="otlp_http,bulk,ingest,files,otlp_grpc,syslog_tcp,kafka")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--connections", type=int, default=1000)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    records = lines(options.records)
    for part in options.parts.split(","):
        if part == "kills":
            for name in options.intakes.split(","):
                kills(options.model, name, options.kills, records)
        elif part == "disk":
            disk(options.model, options.seconds, records)
        elif part == "alertmanager":
            alertmanager(options.model, options.seconds, records)
        else:
            clients(options.model, options.connections)


if __name__ == "__main__":
    main()
