"""OTLP over gRPC with a real client, and Kafka with the library's own mock cluster: no broker is to be had here."""

import asyncio
import re
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from isang.errors import UsageError
from isang.service.intake.acceptance import Acceptance
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.journal import JournalSource, RecordJournal

TOKEN = "secret-of-the-service"


class Parts:
    def __init__(self, folder: Path, journal_bytes: int = 64 << 20, **settings: Any) -> None:
        self.journal = RecordJournal(folder / "journal", max_bytes=journal_bytes)
        self.metrics = Metrics()
        self.acceptance = Acceptance(self.journal, self.metrics, ServiceSettings(home=folder, **settings))

    def texts(self) -> list[tuple[str, str]]:
        records = JournalSource(self.journal).read()[0]
        return list(zip(records["source"], records["text"], strict=True))


def test_otlp_over_grpc_is_kept_and_asks_for_the_token(tmp_path: Path) -> None:
    grpc = pytest.importorskip("grpc", reason="grpcio is not installed")
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub

    from isang.service.intake.otlp_grpc import OtlpGrpcListener

    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    attribute = resource.resource.attributes.add()
    attribute.key, attribute.value.string_value = "service.name", "shop"
    scope = resource.scope_logs.add()
    for number in range(3):
        scope.log_records.add().body.string_value = f"request {number} served, password=hunter2hunter"
    scope.log_records.add()  # empty

    async def asked(parts: Parts) -> list[Any]:
        listener = OtlpGrpcListener("127.0.0.1", 0, parts.acceptance)
        await listener.start()
        found: list[Any] = []
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{listener.port}") as channel:
                stub = LogsServiceStub(channel)
                for metadata in ((), (("authorization", f"Bearer {TOKEN}"),)):
                    try:
                        found.append(await stub.Export(request, metadata=metadata))
                    except grpc.aio.AioRpcError as error:
                        found.append(error.code())
        finally:
            await listener.stop()
        return found

    parts = Parts(tmp_path / "a", token=TOKEN)
    refused, answer = asyncio.run(asked(parts))
    assert refused == grpc.StatusCode.UNAUTHENTICATED
    assert answer.partial_success.rejected_log_records == 1
    texts = [text for _, text in parts.texts()]
    assert [text.partition("[redacted")[0] for text in texts] == [
        f"request {number} served, password=" for number in range(3)
    ]
    assert "hunter2" not in str(texts)
    parts.journal.close()
    small = Parts(tmp_path / "b", journal_bytes=10)
    assert asyncio.run(asked(small))[0] == grpc.StatusCode.INVALID_ARGUMENT, "it never finds room"
    small.journal.close()
    full = Parts(tmp_path / "c", journal_bytes=20_000)
    assert grpc.StatusCode.UNAVAILABLE in [asyncio.run(asked(full))[0] for _ in range(10)]
    full.journal.close()


def test_kafka_s_offsets_are_committed_when_records_are_on_disk(tmp_path: Path) -> None:
    kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

    from isang.service.intake.kafka import KafkaListener

    producer = kafka.Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    broker = next(iter(producer.list_topics(timeout=20).brokers.values()))
    brokers = f"{broker.host}:{broker.port}"

    def produce(values: list[bytes]) -> None:
        for value in values:
            producer.produce("logs", value, partition=0)
        producer.flush(20)

    async def consumed(parts: Parts, count: int) -> list[tuple[str, str]]:
        listener = KafkaListener(brokers, ["logs"], "isang", parts.acceptance)
        await listener.start()
        end = time.monotonic() + 40
        while len(parts.texts()) < count and time.monotonic() < end:
            await asyncio.sleep(0.1)
        await listener.stop()
        return parts.texts()

    produce([b"one\ntwo", b'{"source": "shop", "message": "three"}', b"  "])
    parts = Parts(tmp_path / "a")
    expected = [("logs", "one"), ("logs", "two"), ("shop", '{"source": "shop", "message": "three"}')]
    assert asyncio.run(consumed(parts, 3)) == expected
    produce([b"four"])
    again = Parts(tmp_path / "b")  # another process of the group goes on behind what is on disk
    assert asyncio.run(consumed(again, 1)) == [("logs", "four")]
    for each in (parts, again):
        each.journal.close()


def test_services_of_one_group_share_a_topic_by_session_key(tmp_path: Path) -> None:
    """Each session goes whole and in order to one of them; one that ends hands its partition over."""
    kafka = pytest.importorskip("confluent_kafka", reason="confluent-kafka is not installed")

    from isang.service.intake.kafka import KafkaListener

    producer = kafka.Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    broker = next(iter(producer.list_topics(timeout=20).brokers.values()))

    partitions = len(producer.list_topics("logs", timeout=20).topics["logs"].partitions)

    def produce(key: str, step: int) -> None:
        producer.produce("logs", f"job={key} step {step}", key=key, partition=zlib.crc32(key.encode()) % partitions)

    def jobs_of(parts: Parts) -> dict[str, list[int]]:
        """The steps of each job, without the probes."""
        found: dict[str, list[int]] = {}
        for _, text in parts.texts():
            _, key, _, step = re.split("[= ]", text)
            if not key.startswith("probe"):
                found.setdefault(key, []).append(int(step))
        return found

    both = [Parts(tmp_path / name) for name in ("a", "b")]
    listeners = [KafkaListener(f"{broker.host}:{broker.port}", ["logs"], "isang", parts.acceptance) for parts in both]

    async def until(true: Callable[[], bool], again: Callable[[], None] = lambda: None) -> None:
        end = time.monotonic() + 60
        while not true() and time.monotonic() < end:
            again()
            producer.flush(20)
            await asyncio.sleep(0.2)
        assert true()

    async def shared() -> None:
        probes = iter(range(10_000))
        await until(
            lambda: all(parts.texts() for parts in both), lambda: [produce(f"probe{next(probes)}", 0) for _ in range(8)]
        )
        for step in range(5):
            for job in range(40):
                produce(f"job{job}", step)
        await until(lambda: sum(len(steps) for parts in both for steps in jobs_of(parts).values()) >= 200)
        first, second = map(jobs_of, both)
        assert first
        assert second
        assert not set(first) & set(second)
        assert first | second == {f"job{job}": list(range(5)) for job in range(40)}
        await listeners[0].stop()
        for job in range(40, 60):
            produce(f"job{job}", 0)
        await until(lambda: {f"job{job}" for job in range(40, 60)} <= set(jobs_of(both[1])))

    async def started_and_stopped() -> None:
        for listener in listeners:
            await listener.start()
        try:
            await shared()
        finally:
            for listener in listeners:
                await listener.stop()

    asyncio.run(started_and_stopped())
    for parts in both:
        parts.journal.close()


def test_what_does_not_go_together_is_said() -> None:
    with pytest.raises(UsageError, match="set ISANG_TOKEN"):
        ServiceSettings(otlp_grpc=("0.0.0.0", 4317))
    with pytest.raises(UsageError, match="go together"):
        ServiceSettings(kafka="127.0.0.1:9092")
