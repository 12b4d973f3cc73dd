"""Intake decoders: what real clients send becomes records, and what is wrong is refused in the protocol's own words."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse

from isang.logs.stream.record import Record
from isang.service.intake import RefusedRequest, Request, Response
from isang.service.intake.elasticsearch import HEADERS, Bulk, server_info
from isang.service.intake.loki import Loki
from isang.service.intake.otlp import Otlp
from isang.service.intake.syslog import MOST_MESSAGE, SyslogDatagrams, SyslogStream, message_of
from isang.service.intake.values import MOST_FIELDS, flat, microseconds

NOW = 1_775_000_000_000_000
AT = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z


def request(path: str, content_type: str = "application/json", method: str = "POST") -> Request:
    return Request(method, path, {"content-type": content_type}, {}, NOW, "192.0.2.7")


class Recorder(BaseHTTPRequestHandler):
    """Answers what a decoder answers, and keeps the records."""

    decoder: Any
    taken: list[Record]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Request(self.command, self.path.partition("?")[0], headers, {}, NOW, "127.0.0.1")
        decoded = self.decoder.decode(asked, body)
        self.taken.extend(decoded.records)
        self.answer(self.decoder.accepted(asked, decoded))

    do_PUT = do_POST

    def do_GET(self) -> None:
        self.answer(server_info())

    def answer(self, response: Response) -> None:
        self.send_response(response.status)
        self.send_header("content-type", response.content_type)
        self.send_header("content-length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, *_: Any) -> None:
        """Nothing on stderr."""


@contextmanager
def server(decoder: Any) -> Iterator[tuple[str, list[Record]]]:
    taken: list[Record] = []
    handler = type("Handler", (Recorder,), {"decoder": decoder, "taken": taken})
    with HTTPServer(("127.0.0.1", 0), handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}", taken
        listening.shutdown()
        thread.join()


def test_the_exporter_of_the_opentelemetry_sdk() -> None:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.resources import Resource

    with server(Otlp()) as (url, taken):
        provider = LoggerProvider(
            Resource({"service.name": "shop", "service.version": "1.4", "k8s.pod.name": "shop-0"})
        )
        exporter = OTLPLogExporter(endpoint=f"{url}/v1/logs", compression=Compression.Gzip)
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
        emitted = provider.get_logger("orders")
        from opentelemetry._logs import LogRecord, SeverityNumber

        emitted.emit(
            LogRecord(
                timestamp=AT * 1000, severity_number=SeverityNumber.ERROR, body="invoice of order 7 failed",
                attributes={"order": 7, "log.record.template": "invoice of order {} failed"},
            )
        )  # fmt: skip
        emitted.emit(LogRecord(timestamp=AT * 1000, body={"event": "paid", "amount": [1, 2.5, True]}))
        provider.shutdown()
    first, second = taken
    assert (first.source, first.time_us, first.level) == ("shop", AT, "ERROR")
    assert first.text == "invoice of order 7 failed"
    assert first.message == "invoice of order {} failed"
    assert first.fields is not None
    assert first.fields["service.version"] == "1.4"
    assert first.fields["k8s.pod.name"] == "shop-0"
    assert first.fields["order"] == "7"
    assert json.loads(second.text) == {"event": "paid", "amount": [1, 2.5, True]}


TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
JSON_RECORD = {
    "timeUnixNano": str(AT * 1000), "severityNumber": 13, "traceId": TRACE, "spanId": SPAN,
    "body": {"stringValue": "slow answer"}, "attributes": [{"key": "ms", "value": {"intValue": "812"}}],
}  # fmt: skip


def otlp_json(*records: Any) -> bytes:
    resource = {"attributes": [{"key": "host.name", "value": {"stringValue": "web-1"}}]}
    return json.dumps({"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}).encode()


def test_otlp_in_json_has_ids_in_hexadecimal_and_says_what_it_rejected() -> None:
    asked = request("/v1/logs")
    decoded = Otlp().decode(asked, otlp_json(JSON_RECORD, {"severityText": "INFO"}))
    (record,) = decoded.records
    assert record == Record(
        "web-1", "slow answer", AT, "WARN", "slow answer",
        {"host.name": "web-1", "ms": "812", "span_id": SPAN}, TRACE,
    )  # fmt: skip
    assert json.loads(Otlp().accepted(asked, decoded).body)["partialSuccess"]["rejectedLogRecords"] == "1"
    as_protobuf = ExportLogsServiceResponse()
    as_protobuf.ParseFromString(Otlp().accepted(request("/v1/logs", "application/x-protobuf"), decoded).body)
    assert as_protobuf.partial_success.rejected_log_records == 1


def test_both_encodings_of_otlp_give_the_same_record() -> None:
    message = ExportLogsServiceRequest()
    logs = message.resource_logs.add()
    logs.resource.attributes.add(key="host.name").value.string_value = "web-1"
    record = logs.scope_logs.add().log_records.add(
        time_unix_nano=AT * 1000, severity_number=13, trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN)
    )
    record.body.string_value = "slow answer"
    record.attributes.add(key="ms").value.int_value = 812
    binary = Otlp().decode(request("/v1/logs", "application/x-protobuf"), message.SerializeToString())
    assert binary.records == Otlp().decode(request("/v1/logs"), otlp_json(JSON_RECORD)).records


def test_a_stack_trace_of_an_attribute_is_shown_with_its_record() -> None:
    attributes = [{"key": "exception.stacktrace", "value": {"stringValue": "Traceback\n  at a\nKeyError: b"}}]
    (record,) = Otlp().decode(request("/v1/logs"), otlp_json(JSON_RECORD | {"attributes": attributes})).records
    assert record.text == "slow answer\nTraceback\n  at a\nKeyError: b"
    assert record.message == "slow answer"


def test_loki_s_streams() -> None:
    body = {
        "streams": [
            {
                "stream": {"service_name": "shop", "level": "error"},
                "values": [[str(AT * 1000), "it broke"], [str(AT * 1000), "again", {"trace_id": TRACE}], ["x", "bad"]],
            },
            "no stream",
        ]
    }
    decoded = Loki().decode(request("/loki/api/v1/push"), json.dumps(body).encode())
    assert [(record.source, record.text, record.time_us, record.level) for record in decoded.records] == [
        ("shop", "it broke", AT, "error"), ("shop", "again", AT, "error"),
    ]  # fmt: skip
    assert decoded.records[1].trace_id == TRACE
    assert decoded.refused == {"not_a_line": 1, "not_a_stream": 1}
    assert Loki().accepted(request("/loki/api/v1/push"), decoded).status == 204
    with pytest.raises(RefusedRequest, match="only JSON"):
        Loki().decode(request("/loki/api/v1/push", "application/x-protobuf"), b"")


def test_the_elasticsearch_client_indexes_documents() -> None:
    from elasticsearch import Elasticsearch
    from elasticsearch.helpers import bulk

    with server(Bulk()) as (url, taken), Elasticsearch(url) as client:
        documents = [
            {
                "_index": "logs", "@timestamp": "2026-03-01T12:00:00.000Z", "message": f"request {number} served",
                "log": {"level": "info", "file": {"path": "/var/log/shop.log"}}, "trace": {"id": TRACE},
            }
            for number in range(3)
        ]  # fmt: skip
        assert bulk(client, documents) == (3, [])
    assert [record.text for record in taken] == [f"request {number} served" for number in range(3)]
    assert {(record.source, record.time_us, record.level, record.trace_id) for record in taken} == {
        ("/var/log/shop.log", AT, "info", TRACE)
    }


def test_the_bulk_answer_names_each_document_that_cannot_be_used() -> None:
    body = b'{"create":{"_index":"a"}}\n{"message":"x"}\n{"index":{}}\nnot json\n{"delete":{"_id":"1"}}\n'
    asked = request("/b/_bulk")
    decoded = Bulk().decode(asked, body)
    answer = Bulk().accepted(asked, decoded)
    document = json.loads(answer.body)
    assert document["errors"] is True
    assert [(name, item["_index"], item["status"]) for each in document["items"] for name, item in each.items()] == [
        ("create", "a", 201), ("index", "b", 400), ("delete", "b", 400),
    ]  # fmt: skip
    assert answer.headers == HEADERS
    assert decoded.refused == {"not_a_log_record": 2}
    with pytest.raises(RefusedRequest, match="an action such as"):
        Bulk().decode(asked, b"nonsense\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<165>1 2026-03-01T12:00:00Z web-1 shop 812 ID47 [a@1 k="v \\"w\\""][b@1 n="2"] order paid',
            Record("web-1/shop", "order paid", AT, "NOTICE", "order paid", {
                "host": "web-1", "program": "shop", "a@1.k": 'v "w"', "b@1.n": "2", "facility": "local4", "pid": "812",
                "msgid": "ID47",
            }),
        ),
        (
            '<11>1 2026-03-01T13:00:00+01:00 web-1 shop - - [a@1 k="v"]',
            Record("web-1/shop", "a@1.k=v", AT, "ERROR", "a@1.k=v", {
                "host": "web-1", "program": "shop", "a@1.k": "v", "facility": "user",
            }),
        ),
        (
            "<34>Oct 11 22:14:15 mymachine su[12]: failed for lonvick",
            Record("mymachine/su", "failed for lonvick", NOW, "CRITICAL", "failed for lonvick", {
                "host": "mymachine", "program": "su", "facility": "auth", "pid": "12",
            }),
        ),
        (
            "<30>2026-03-01T12:00:00.000000+00:00 db postgres[9]: ready",
            Record("db/postgres", "ready", AT, "INFO", "ready", {
                "host": "db", "program": "postgres", "facility": "daemon", "pid": "9",
            }),
        ),
        ("no priority at all", Record("192.0.2.7", "no priority at all", NOW, None, "no priority at all", {
            "host": "192.0.2.7",
        })),
    ],
)  # fmt: skip
def test_syslog_messages(text: str, expected: Record) -> None:
    assert message_of(text, "192.0.2.7", NOW) == expected


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=30), min_size=1, max_size=8),
    st.booleans(),
    st.data(),
)
def test_a_stream_is_read_alike_however_it_is_cut(texts: list[str], counted: bool, data: st.DataObject) -> None:
    messages = [f"<13>Oct 11 22:14:15 host app: m{text}".encode() for text in texts]
    sent = b"".join(str(len(m)).encode() + b" " + m if counted else m.replace(b"\n", b" ") + b"\n" for m in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    stream, records = SyslogStream("peer"), []
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        records += stream.feed(sent[start:end], NOW).records
    records += stream.finish(NOW).records
    whole = [record for message in messages for record in SyslogDatagrams("peer").feed(message, NOW).records]
    assert records == whole


def test_a_stream_without_end_is_hung_up() -> None:
    stream = SyslogStream("peer")
    assert not stream.feed(b"<13>" + b"x" * (MOST_MESSAGE + 100), NOW).records
    assert "more than" in str(stream.broken)
    counted = SyslogStream("peer")
    assert [record.text for record in counted.feed(b"<13>fine\n9999999 <13>x", NOW).records] == ["fine"]
    assert "more than" in str(counted.broken)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_no_json_makes_a_decoder_fail_otherwise_than_by_refusing(value: Any) -> None:
    body = json.dumps(value).encode()
    wrapped = json.dumps({"resourceLogs": value, "streams": value}).encode()
    bulk = b'{"create":{}}\n' + body
    for decoder, path in ((Otlp(), "/v1/logs"), (Loki(), "/loki/api/v1/push"), (Bulk(), "/_bulk")):
        for sent in (body, wrapped, bulk):
            assert refused_or_decoded(decoder, request(path), sent) in (200, 400)


def refused_or_decoded(decoder: Any, asked: Request, body: bytes) -> int:
    """The status of a refusal in the protocol's own words, or 200 where all of `body` became records."""
    try:
        decoded = decoder.decode(asked, body)
    except RefusedRequest as refusal:
        return int(decoder.refused(asked, refusal).status)
    return 200 if all(isinstance(record, Record) for record in decoded.records) else 0


@given(st.binary(max_size=200))
def test_no_bytes_make_a_decoder_fail_otherwise_than_by_refusing(body: bytes) -> None:
    SyslogDatagrams("peer").feed(body, NOW)
    for decoder, asked in (
        (Otlp(), request("/v1/logs", "application/x-protobuf")),
        (Otlp(), request("/v1/logs")),
        (Loki(), request("/loki/api/v1/push")),
        (Bulk(), request("/_bulk")),
    ):
        try:
            decoder.decode(asked, body)
        except RefusedRequest as refusal:
            decoder.refused(asked, refusal)


def test_deep_and_wide_values_are_bounded() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(50):
        inner["a"] = {}
        inner = inner["a"]
    assert max(len(name.split(".")) for name in flat(deep)) <= 10
    assert len(flat({str(number): number for number in range(1_000)})) == MOST_FIELDS


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-01T12:00:00Z", AT), ("2026-03-01 13:00:00+01:00", AT), ("2026-03-01T12:00:00", AT),
        (AT / 1e6, AT), (AT // 1000, AT), ("yesterday", None), (True, None), (-1, None), (float("nan"), None),
    ],
)  # fmt: skip
def test_times_in_documents(written: Any, expected: int | None) -> None:
    assert microseconds(written) == expected
