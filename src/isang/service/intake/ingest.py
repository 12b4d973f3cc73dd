"""POST /ingest: JSON lines, or plain text lines as in a file."""

import json
from typing import Any

from isang.logs.stream.record import Record
from isang.service.intake import Decoded, RefusedRequest, Request, Response

NO_TEXT = ("image/", "audio/", "video/", "font/", "multipart/", "application/x-protobuf", "application/zip")
"""How media types begin whose bodies are no lines."""
MOST_LINE = 65_536
"""Maximum number of characters kept of a line."""


class Ingest:
    """Each line of the body is a record; `?source=` or the header X-Source names its source."""

    name = "ingest"
    routes: tuple[tuple[str, str], ...] = (("POST", "/ingest"),)

    def decode(self, request: Request, body: bytes) -> Decoded:
        """See HttpDecoder."""
        source = (request.query.get("source") or request.headers.get("x-source") or request.peer)[:200]
        kind = request.headers.get("content-type", "")[:100].lower()
        if kind.startswith(NO_TEXT):
            raise RefusedRequest(415, f"only text and JSON lines are read here, got {kind.partition(';')[0]}")
        as_json = "json" in kind
        records: list[Record] = []
        refused: dict[str, int] = {}
        for line in body.decode("utf-8", errors="replace").replace("\0", " ").splitlines():
            if not line.strip():
                continue
            if not as_json:
                records.append(Record(source, line[:MOST_LINE]))
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                refused["not_json"] = refused.get("not_json", 0) + 1
                continue
            if isinstance(value, dict):
                records.append(Record(_text(value.get("source")) or source, line[:MOST_LINE]))
            elif isinstance(value, str):
                records.append(Record(source, value[:MOST_LINE]))
            else:
                refused["not_an_object"] = refused.get("not_an_object", 0) + 1
        return Decoded(records, refused)

    def accepted(self, request: Request, decoded: Decoded) -> Response:
        """See HttpDecoder."""
        answer = {"accepted": len(decoded.records), "refused": dict(decoded.refused)}
        return Response(200, json.dumps(answer).encode())

    def refused(self, request: Request, refusal: RefusedRequest) -> Response:
        """See HttpDecoder."""
        return Response(refusal.status, json.dumps({"error": refusal.message}).encode())


def _text(value: Any) -> str | None:
    return value[:200] if isinstance(value, str) else None
