"""OTLP/HTTP, protobuf and JSON: `POST /v1/logs` (opentelemetry.io/docs/specs/otlp)."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from isang.logs.stream.record import Record
from isang.service.intake import Decoded, RefusedRequest, Request, Response
from isang.service.intake.values import MOST_DEPTH, MOST_TEXT, as_text, flat, source_of

PROTOBUF, JSON = "application/x-protobuf", "application/json"
SOURCE = ("service.name", "k8s.container.name", "container.name", "k8s.pod.name", "host.name")
"""Resource attributes that name a record's source; the first one present is used."""
TEMPLATE = "log.record.template"
"""The attribute with a logging library's message template, before values were inserted."""
STACK = "exception.stacktrace"
SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
"""The names of the severity numbers 1 to 4, 5 to 8, ..., 21 to 24."""
EMPTY = "the record has neither a body nor attributes"


class _Resource(NamedTuple):
    """What the records of one resource share."""

    fields: dict[str, str]
    source: str


class _Sent(NamedTuple):
    """A log record, as plain values."""

    resource: _Resource
    attributes: Mapping[str, Any]
    body: Any
    time_ns: int
    severity_number: int
    severity_text: str
    trace_id: str
    span_id: str


class Otlp:
    """Logs in OpenTelemetry's protocol."""

    name = "otlp"
    routes: tuple[tuple[str, str], ...] = (("POST", "/v1/logs"),)

    def decode(self, request: Request, body: bytes) -> Decoded:
        """See HttpDecoder. Records without a body and attributes are refused: partial success."""
        sent = _of_json(body) if _is_json(request) else _of_protobuf(body)
        records, empty = [], 0
        for each in sent:
            record = _record(each)
            if record is None:
                empty += 1
            else:
                records.append(record)
        return Decoded(records, {"empty": empty} if empty else {})

    def accepted(self, request: Request, decoded: Decoded) -> Response:
        """See HttpDecoder."""
        rejected = sum(decoded.refused.values())
        if _is_json(request):
            partial = (
                {"partialSuccess": {"rejectedLogRecords": str(rejected), "errorMessage": EMPTY}} if rejected else {}
            )
            return Response(200, json.dumps(partial).encode(), JSON)
        answer = ExportLogsServiceResponse()
        if rejected:
            answer.partial_success.rejected_log_records = rejected
            answer.partial_success.error_message = EMPTY
        return Response(200, answer.SerializeToString(), PROTOBUF)

    def refused(self, request: Request, refusal: RefusedRequest) -> Response:
        """See HttpDecoder: a google.rpc.Status, whose message is field 2."""
        if _is_json(request):
            return Response(refusal.status, json.dumps({"message": refusal.message}).encode(), JSON)
        text = refusal.message.encode()[:1_000]
        length = bytes([len(text)]) if len(text) < 128 else bytes([len(text) & 127 | 128, len(text) >> 7])
        return Response(refusal.status, b"\x12" + length + text, PROTOBUF)


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == JSON


def _record(sent: _Sent) -> Record | None:
    """The record, or None if it is empty."""
    body = None if sent.body in (None, "") else as_text(sent.body)
    attributes = flat(sent.attributes) if sent.attributes else {}
    if body is None and not attributes:
        return None
    message = attributes.pop(TEMPLATE, None) or body
    text = body if body is not None else as_text(attributes)
    if STACK in attributes:
        text = f"{text}\n{attributes.pop(STACK)}"
    if message is None:  # the event is identified by its set of attributes
        message = attributes.get("event.name") or " ".join(sorted(attributes))
    fields = sent.resource.fields
    if attributes or sent.span_id:
        fields = fields | attributes | ({"span_id": sent.span_id} if sent.span_id else {})
    return Record(
        source=sent.resource.source, text=text[:MOST_TEXT], time_us=sent.time_ns // 1_000 or None, level=_level(sent),
        message=message[:MOST_TEXT], fields=fields, trace_id=sent.trace_id or None,
    )  # fmt: skip


def _resource(attributes: Mapping[str, Any]) -> _Resource:
    fields = flat(attributes)
    return _Resource(fields, source_of(fields, SOURCE, "otlp"))


def _level(sent: _Sent) -> str | None:
    if sent.severity_text:
        return sent.severity_text[:40]
    if 1 <= sent.severity_number <= 24:
        return SEVERITIES[(sent.severity_number - 1) // 4]
    return None


def _of_protobuf(body: bytes) -> Iterator[_Sent]:
    message = ExportLogsServiceRequest()
    try:
        message.ParseFromString(body)
    except DecodeError as error:
        raise RefusedRequest(400, f"the body is no ExportLogsServiceRequest: {error}") from error
    for resource_logs in message.resource_logs:
        resource = _resource({entry.key: _plain(entry.value) for entry in resource_logs.resource.attributes})
        for scope_logs in resource_logs.scope_logs:
            for record in scope_logs.log_records:
                written = record.attributes
                attributes = {entry.key: _plain(entry.value) for entry in written} if written else {}
                if name := getattr(record, "event_name", ""):
                    attributes.setdefault("event.name", name)
                yield _Sent(
                    resource, attributes, _plain(record.body), record.time_unix_nano or record.observed_time_unix_nano,
                    record.severity_number, record.severity_text, record.trace_id.hex(), record.span_id.hex(),
                )  # fmt: skip


def _plain(value: AnyValue, depth: int = 0) -> Any:
    """An AnyValue as a plain value; bytes as base64, as in OTLP/JSON."""
    if text := value.string_value:  # most are
        return text
    kind = value.WhichOneof("value")
    if kind is None or depth > MOST_DEPTH:
        return None
    if kind == "array_value":
        return [_plain(part, depth + 1) for part in value.array_value.values]
    if kind == "kvlist_value":
        return {entry.key: _plain(entry.value, depth + 1) for entry in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _of_json(body: bytes) -> Iterator[_Sent]:
    """The records in OTLP/JSON: names in lowerCamelCase, ids in hexadecimal, 64-bit numbers as text."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedRequest(400, f"the body is no JSON: {error}") from error
    for resource_logs in _items(document, "resourceLogs"):
        resource = _resource(_attributes(_object(resource_logs.get("resource"))))
        for scope_logs in _items(resource_logs, "scopeLogs"):
            for record in _items(scope_logs, "logRecords"):
                attributes = _attributes(record)
                if name := record.get("eventName"):
                    attributes.setdefault("event.name", name)
                time_ns = _whole(record.get("timeUnixNano")) or _whole(record.get("observedTimeUnixNano"))
                yield _Sent(
                    resource, attributes, _value(record.get("body")), time_ns, _whole(record.get("severityNumber")),
                    as_text(record.get("severityText") or ""), _id(record, "traceId", 16), _id(record, "spanId", 8),
                )  # fmt: skip


def _object(value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedRequest(400, f"an object was expected, got {type(value).__name__}")
    return value


def _items(value: Any, name: str) -> list[Mapping[str, Any]]:
    found = _object(value).get(name) or []
    if not isinstance(found, list):
        raise RefusedRequest(400, f"{name} must be an array, got {type(found).__name__}")
    return [_object(item) for item in found]


def _attributes(value: Mapping[str, Any]) -> dict[str, Any]:
    return {as_text(entry.get("key", "")): _value(entry.get("value")) for entry in _items(value, "attributes")}


def _value(value: Any, depth: int = 0) -> Any:
    """An AnyValue in JSON as a plain value."""
    parts = _object(value)
    if not parts or depth > MOST_DEPTH:
        return None
    kind, content = next(iter(parts.items()))
    if kind == "arrayValue":
        return [_value(part, depth + 1) for part in _items(content, "values")]
    if kind == "kvlistValue":
        return {
            as_text(entry.get("key", "")): _value(entry.get("value"), depth + 1) for entry in _items(content, "values")
        }
    return _whole(content) if kind == "intValue" else content


def _whole(value: Any) -> int:
    """An integer, given as a number or as text; 0 if it is invalid or out of range."""
    try:
        number = int(value) if isinstance(value, (int, str)) and len(str(value)) <= 20 else 0
    except ValueError:
        return 0
    return number if abs(number) < 1 << 63 else 0


def _id(record: Mapping[str, Any], name: str, size: int) -> str:
    """An id in hexadecimal; empty if it is invalid or all zeros."""
    value = record.get(name) or ""
    try:
        found = binascii.unhexlify(value) if isinstance(value, str) else b""
    except (ValueError, binascii.Error):
        return ""
    return found.hex() if len(found) == size and any(found) else ""
