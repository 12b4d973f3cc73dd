"""Loki's push API in JSON: `POST /loki/api/v1/push` (grafana.com/docs/loki, HTTP API)."""

import json
from collections.abc import Mapping
from typing import Any

from isang.logs.stream.record import Record
from isang.service.intake import Decoded, RefusedRequest, Request, Response
from isang.service.intake.values import MOST_TEXT, as_text, flat, source_of

SOURCE = ("service_name", "service", "app", "container", "container_name", "job", "filename", "pod", "instance", "host")
"""Labels that name a line's source; the first one present is used."""
LEVEL = ("level", "detected_level", "severity")


class Loki:
    """Streams of lines with labels."""

    name = "loki"
    routes: tuple[tuple[str, str], ...] = (("POST", "/loki/api/v1/push"),)

    def decode(self, request: Request, body: bytes) -> Decoded:
        """See HttpDecoder."""
        if "json" not in request.headers.get("content-type", "application/json"):
            raise RefusedRequest(415, "only JSON is read here; set the client's encoding to json")
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise RefusedRequest(400, f"the body is no JSON: {error}") from error
        if not isinstance(document, dict) or not isinstance(document.get("streams"), list):
            raise RefusedRequest(400, "an object with an array `streams` was expected")
        records: list[Record] = []
        refused: dict[str, int] = {}
        for stream in document["streams"]:
            if not isinstance(stream, dict) or not isinstance(stream.get("values"), list):
                refused["not_a_stream"] = refused.get("not_a_stream", 0) + 1
                continue
            labels = flat(stream["stream"]) if isinstance(stream.get("stream"), dict) else {}
            for value in stream["values"]:
                record = _record(labels, value)
                if record is None:
                    refused["not_a_line"] = refused.get("not_a_line", 0) + 1
                else:
                    records.append(record)
        return Decoded(records, refused)

    def accepted(self, request: Request, decoded: Decoded) -> Response:
        """See HttpDecoder: Loki's answer is empty."""
        return Response(204)

    def refused(self, request: Request, refusal: RefusedRequest) -> Response:
        """See HttpDecoder: Loki's answer is a line of text."""
        return Response(refusal.status, refusal.message.encode() + b"\n", "text/plain; charset=utf-8")


def _record(labels: Mapping[str, str], value: Any) -> Record | None:
    """The record of a pair of nanoseconds as text and a line, perhaps with structured metadata; None if it is
    invalid."""
    if not isinstance(value, list) or len(value) not in (2, 3) or not isinstance(value[1], str):
        return None
    time, line = value[0], value[1].replace("\0", " ")[:MOST_TEXT]
    if not isinstance(time, str) or not time.isascii() or not time.isdigit() or len(time) > 19 or not line.strip():
        return None
    extra = flat(value[2]) if len(value) == 3 and isinstance(value[2], dict) else {}
    fields = {**labels, **extra}
    level = next((fields[name] for name in LEVEL if fields.get(name) and fields[name] != "unknown"), None)
    trace = fields.get("trace_id") or fields.get("traceID") or fields.get("traceid")
    return Record(
        source=source_of(fields, SOURCE, as_text(labels)), text=line, time_us=int(time) // 1_000, level=level,
        message=line, fields=fields, trace_id=trace,
    )  # fmt: skip
