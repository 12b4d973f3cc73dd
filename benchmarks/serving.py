"""The service under load: records a second by each intake, delay of alerts, memory, and what it costs when idle.

    python benchmarks/serving.py MODEL [--parts intake,sdk,follow,delay,sustained,sessions,idle] [--records 300000]

MODEL was trained on the recorded sample (`isang demo`), whose requests are played as in `following_load.py`. One line
of JSON a figure; `load` is the machine's. Rates are of the wall clock until the last record is judged, so they mean
something on a machine with nothing else to do; `cpu_ms_per_1000` is the processor time of the service.
"""

import argparse
import itertools
import json
import os
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from following_load import KEY, MARK, Alerts, megabytes, played, processor_seconds, requests, stamped

BATCH, SHOPS = 500, 8
LOG_RATE = 2000.0
"""Lines a second in the time of the logs."""
WARM_RECORDS = 60_000
"""Until then the layouts of all logs are known."""
Line = tuple[str, str]
"""Log and text."""


class Service:
    """`isang serve` on a free port."""

    def __init__(self, home: Path, *arguments: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", "isang", "serve", *map(str, arguments), "--home", str(home), "--listen",
            f"127.0.0.1:{self.port}", "--stdout",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.alerts = Alerts(self.process)
        while self.process.poll() is None:
            try:
                self.get("/healthz")
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("the service did not start")

    def get(self, path: str) -> bytes:
        """What is there."""
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return bytes(answer.read())

    def post(self, path: str, body: bytes, kind: str) -> bool:
        """Send; whether the service said that it is kept. Waits where it says to come again."""
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind})
        while True:
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return bool(answer.status == 200)
            except urllib.error.HTTPError as refused:
                if refused.code != 429:
                    return False
                time.sleep(0.2)
            except OSError:
                return False

    def judged(self) -> int:
        """Records that were read by judging."""
        found = re.findall(rb"^isang_stream_records_total\{.*\} (\S+)$", self.get("/metrics"), re.MULTILINE)
        return round(sum(map(float, found)))

    def wait(self, records: int, seconds: float = 600) -> float:
        """Wait until this many have been judged."""
        end = time.time() + seconds
        while self.judged() < records and time.time() < end:
            time.sleep(0.1)
        return time.time()

    def end(self, number: int = signal.SIGTERM) -> None:
        """Stop it."""
        self.process.send_signal(number)
        self.process.wait(600)
        self.alerts.join()


@contextmanager
def running(*arguments: object) -> Iterator[tuple[Service, Path]]:
    """A service with a home of its own, and a folder beside it."""
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name) / "home", *arguments)
        try:
            yield service, Path(name)
        finally:
            service.end()


def lines(count: int, shops: int = SHOPS, seed: int = 0) -> list[Line]:
    """Lines of requests whose times run on from now."""
    found = itertools.islice(played(random.Random(seed), shops, LOG_RATE), count)
    begin = time.time()
    return [(log, stamped(line, begin + second)) for second, log, line in found]


def batches(records: Sequence[Line], size: int = BATCH) -> Iterator[Sequence[Line]]:
    """So many at a time."""
    return (records[start : start + size] for start in range(0, len(records), size))


def otlp(batch: Sequence[Line]) -> bytes:
    """A protobuf request, a resource for each log."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    request = ExportLogsServiceRequest()
    scopes: dict[str, Any] = {}
    for log, text in batch:
        if log not in scopes:
            resource = request.resource_logs.add()
            resource.resource.attributes.add(key="service.name").value.string_value = log
            scopes[log] = resource.scope_logs.add()
        scopes[log].log_records.add().body.string_value = text
    return bytes(request.SerializeToString())


def bulk(batch: Sequence[Line]) -> bytes:
    """As Elasticsearch's clients write it."""
    documents = (json.dumps({"message": text, "service.name": log}) for log, text in batch)
    return "".join(f'{{"create":{{"_index":"logs"}}}}\n{document}\n' for document in documents).encode()


SENT: dict[str, tuple[str, str, Callable[[Sequence[Line]], bytes]]] = {
    "otlp_http": ("/v1/logs", "application/x-protobuf", otlp),
    "bulk": ("/_bulk", "application/x-ndjson", bulk),
}


def tell(what: str, **figures: Any) -> None:
    """Print a figure."""
    shown = {name: round(value, 3) if isinstance(value, float) else value for name, value in figures.items()}
    print(json.dumps({"what": what, **shown, "load": round(os.getloadavg()[0], 1)}), flush=True)


def intake(model: Path, records: Sequence[Line]) -> None:
    """As fast as it takes them, by two connections, and from files: until all are judged."""
    for name, (path, kind, body) in SENT.items():
        with running(model, "--idle", "5s") as (service, _):
            bodies = [body(batch) for batch in batches(records)]
            warm = WARM_RECORDS // BATCH
            for each in bodies[:warm]:
                service.post(path, each, kind)
            service.wait(WARM_RECORDS)
            begin, used = time.time(), processor_seconds(service.process.pid)
            with ThreadPoolExecutor(2) as pool:
                taken = sum(pool.map(lambda each: service.post(path, each, kind), bodies[warm:]))  # noqa: B023
            sent = time.time()
            _told(name, service, len(records), begin, used, intake_per_second=(taken * BATCH) / (sent - begin))
    with _following(model) as (service, folder):
        files = Files(folder / "logs")
        files.write(records[:WARM_RECORDS])
        service.wait(WARM_RECORDS)
        begin, used = time.time(), processor_seconds(service.process.pid)
        files.write(records[WARM_RECORDS:])
        _told("files", service, len(records), begin, used)


def _told(name: str, service: Service, records: int, begin: float, used: float, **more: float) -> None:
    took = service.wait(records) - begin
    spent = processor_seconds(service.process.pid) - used
    count = records - WARM_RECORDS
    tell(
        name, judged_per_second=count / took, cpu_ms_per_1000=1e6 * spent / count, cores=spent / took,
        megabytes=megabytes(service.process.pid), **more,
    )  # fmt: skip


class Files:
    """A file for each log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, records: Sequence[Line]) -> None:
        texts: dict[str, list[str]] = {}
        for log, text in records:
            texts.setdefault(log, []).append(text)
        for log, some in texts.items():
            with (self._folder / f"{log}.log").open("a") as file:
                file.write("\n".join([*some, ""]))


@contextmanager
def _following(model: Path, *arguments: object) -> Iterator[tuple[Service, Path]]:
    with tempfile.TemporaryDirectory() as name:
        logs = Path(name) / "logs"
        logs.mkdir()
        service = Service(Path(name) / "home", model, logs, "--idle", "5s", *arguments)
        try:
            yield service, Path(name)
        finally:
            service.end()


def sdk(model: Path, records: Sequence[Line]) -> None:
    """What the OpenTelemetry SDK's own exporter sends from one process, and what that costs it."""
    from opentelemetry._logs import LogRecord
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    with running(model, "--idle", "5s") as (service, _):
        provider = LoggerProvider()
        exporter = OTLPLogExporter(endpoint=f"{service.url}/v1/logs")
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter, max_queue_size=4 * len(records)))
        logger = provider.get_logger("serving")
        begin, used = time.time(), time.process_time()
        for _, text in records:
            logger.emit(LogRecord(timestamp=time.time_ns(), body=text))
        provider.force_flush(120_000)
        took, spent = time.time() - begin, time.process_time() - used
        provider.shutdown()
        count = len(records)
        tell("sdk_exporter", sent_per_second=count / took, sender_cpu_ms_per_1000=1e6 * spent / count)


def follow(model: Path, records: Sequence[Line]) -> None:
    """`isang detect --follow` on the same lines through a pipe."""
    command = [sys.executable, "-m", "isang", "detect", str(model), "-", "--follow", "--json", "--idle", "5s"]
    usages = []
    for some in (records[:WARM_RECORDS], records):  # the first is the start alone
        text = "".join(f"{line}\n" for log, line in some if log.startswith("orders")).encode()
        before, begin = os.times(), time.time()
        subprocess.run(command, input=text, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        usages.append((text.count(b"\n"), spent, time.time() - begin))
    (few, start, began), (many, spent, took) = usages
    count = many - few
    tell("detect_follow", lines_per_second=count / (took - began), cpu_ms_per_1000=1e6 * (spent - start) / count)


def delay(model: Path, rate: int, seconds: float) -> None:
    """From a record of a kind that was never seen to its alert, beside `rate` records a second by OTLP."""
    chance = random.Random(1)
    with running(model, "--idle", "5s") as (service, _):
        path, kind, body = SENT["otlp_http"]
        source, begin, sent = played(chance, 8, rate), time.time(), 0
        marks: dict[str, float] = {}
        warm, after = 10.0, 0.0
        used = 0.0
        pool = ThreadPoolExecutor(4)
        while time.time() < begin + warm + seconds:
            now = time.time()
            batch = [
                (log, stamped(line, begin + second)) for second, log, line in _due(source, rate, now - begin, sent)
            ]
            sent += len(batch)
            if now > begin + warm:
                used = used or processor_seconds(service.process.pid)
                after = after or now
                if len(marks) < 2 * (now - after):
                    mark = f"{chance.randrange(16**10):010x}"
                    batch.append(("catalogue-0", f"{_clock(now)} INFO catalogue [rid={mark}] {MARK} at {mark}"))
                    marks[mark] = now
            pool.submit(service.post, path, body(batch), kind)
            time.sleep(0.1)
        spent, took = processor_seconds(service.process.pid) - used, time.time() - after
        pool.shutdown()
        time.sleep(3)
        delays = service.alerts.delays(marks)
        tell(
            "delay", records_per_second=rate, median=statistics.median(delays),
            p99=delays[int(0.99 * (len(delays) - 1))], missed=sum(each == float("inf") for each in delays),
            marks=len(delays), cores=spent / took,
        )  # fmt: skip


def sustained(model: Path, rate: int, seconds: float) -> None:
    """The same rate by OTLP for long: memory, lag and what waits in the first, middle and last third."""
    path, kind, body = SENT["otlp_http"]
    with running(model, "--idle", "5s") as (service, _), ThreadPoolExecutor(4) as pool:
        source, begin, sent = played(random.Random(2), 8, rate), time.time(), 0
        seen: list[tuple[float, float, int, int]] = []
        used = processor_seconds(service.process.pid)
        while (now := time.time()) < begin + seconds:
            due = _due(source, rate, now - begin, sent)
            sent += len(due)
            batch = [(log, stamped(line, begin + second)) for second, log, line in due]
            pool.submit(service.post, path, body(batch), kind)
            if now - begin > 2 * len(seen):
                lag, waiting = (_gauge(service, name) for name in ("lag_seconds", "journal_bytes"))
                seen.append((now - begin, lag, round(waiting), _resident(service.process.pid)))
            time.sleep(max(0.0, 0.1 - (time.time() - now)))
        spent = processor_seconds(service.process.pid) - used
        judged = service.judged()
        for number, third in enumerate(("first", "middle", "last")):
            some = seen[len(seen) * number // 3 : len(seen) * (number + 1) // 3]
            tell(
                "sustained", third=third, records_per_second=rate, lag_median=statistics.median(one[1] for one in some),
                lag_most=max(one[1] for one in some), journal_kib=max(one[2] for one in some) >> 10,
                megabytes=max(one[3] for one in some),
            )  # fmt: skip
        tell("sustained_all", sent=sent, judged=judged, seconds=seconds, cores=spent / seconds)


def _gauge(service: Service, name: str) -> float:
    found = re.search(rf"^isang_{name} (\S+)$".encode(), service.get("/metrics"), re.MULTILINE)
    assert found is not None
    return float(found[1])


def _resident(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) // 1024


def _due(source: Iterator[Any], rate: float, seconds: float, sent: int) -> list[Any]:
    return list(itertools.islice(source, max(0, int(rate * seconds) - sent)))


def _clock(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)) + f",{int(now % 1 * 1000):03d}"


def sessions(model: Path, count: int, sources: int) -> None:
    """Memory with this many open sessions of this many sources."""
    path, kind, body = SENT["otlp_http"]
    first = next(lines[0][2] for lines in requests())
    with running(model, "--idle", "6h", "--memory", 1536) as (service, _):
        begin, clock = time.time(), time.time()
        for start in range(0, count, 5000):
            batch = [
                (f"service-{number % sources}", KEY.sub(f"{number:010x}", stamped(first, clock)))
                for number in range(start, min(count, start + 5000))
            ]
            service.post(path, body(batch), kind)
        took = service.wait(count) - begin
        status = json.loads(service.get("/api/v1/status"))
        early = re.findall(rb"^isang_sessions_ended_early_total\{.*\} (\S+)$", service.get("/metrics"), re.MULTILINE)
        tell(
            "open_sessions", asked=count, open=status["open_sessions"], streams=status["streams"],
            ended_early=sum(map(float, early)), megabytes=megabytes(service.process.pid), seconds=took,
        )  # fmt: skip


def idle(model: Path, seconds: float) -> None:
    """With nothing to do."""
    with running(model) as (service, _):
        time.sleep(5)
        used = processor_seconds(service.process.pid)
        time.sleep(seconds)
        share = (processor_seconds(service.process.pid) - used) / seconds
        tell("idle", core_share=share, megabytes=megabytes(service.process.pid))


def main() -> None:
    """Print the figures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, metavar="MODEL")
    parser.add_argument("--parts", default="intake,sdk,follow,delay,sessions,idle")
    parser.add_argument("--records", type=int, default=300_000)
    parser.add_argument("--rate", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    options = parser.parse_args()
    records = lines(options.records)
    parts: dict[str, Callable[[], None]] = {
        "intake": lambda: intake(options.model, records),
        "sdk": lambda: sdk(options.model, records[: options.records // 5]),
        "follow": lambda: follow(options.model, records),
        "delay": lambda: delay(options.model, options.rate, options.seconds),
        "sustained": lambda: sustained(options.model, options.rate, options.seconds),
        "sessions": lambda: sessions(options.model, options.sessions, 200),
        "idle": lambda: idle(options.model, options.seconds),
    }
    for part in options.parts.split(","):
        parts[part]()


if __name__ == "__main__":
    main()
