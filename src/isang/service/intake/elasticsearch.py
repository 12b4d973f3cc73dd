"""Elasticsearch's bulk API, as used by Filebeat, Fluent Bit, Vector and Logstash: `POST /_bulk`.

It also answers what clients request before they send: the server's version and its licence.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from isang.logs.stream.record import Record
from isang.service.intake import Decoded, RefusedRequest, Request, Response
from isang.service.intake.values import MOST_TEXT, as_text, first_of, flat, microseconds, source_of

VERSION = "9.0.0"
"""The version reported to clients that do not send their own."""
_CLIENT = re.compile(r"(?:elastic|filebeat|\w+beat|logstash)[\w-]*/(\d{1,3}\.\d{1,3}\.\d{1,3})", re.IGNORECASE)
HEADERS = {"X-Elastic-Product": "Elasticsearch"}
"""The official clients send nothing without this header."""
SOURCE = (
    "service.name", "container.name", "kubernetes.container.name", "kubernetes.container_name", "container_name",
    "log.file.path", "path", "file", "source", "program", "host.name", "host", "agent.name",
)  # fmt: skip
"""Fields that name a document's source; the first one present is used."""
TIME = ("@timestamp", "timestamp", "time", "ts")
LEVEL = ("log.level", "level", "severity", "loglevel", "syslog.severity.name")
MESSAGE = ("message", "log", "msg", "event.original")
TRACE = ("trace.id", "trace_id", "traceId", "traceID")
_TOLD = frozenset((*TIME, *MESSAGE, *LEVEL))
"""What a record says in a place of its own."""
ACTIONS = ("index", "create")
KEPT_BY_A_CLUSTER = (
    "/_index_template/{name}", "/_component_template/{name}", "/_template/{name}", "/_ilm/policy/{name}",
    "/_data_stream/{name}", "/_ingest/pipeline/{name}",
)  # fmt: skip
"""Resources that shippers set up before they send; here they always exist, and have no effect."""
_Item = tuple[str, str, str | None]  # action, index, and why it was refused


class Bulk:
    """Documents for an index; the index and its mapping are ignored."""

    name = "elasticsearch"
    routes: tuple[tuple[str, str], ...] = (
        ("POST", "/_bulk"), ("PUT", "/_bulk"), ("POST", "/{index}/_bulk"), ("PUT", "/{index}/_bulk"),
        ("GET", "/_license"), ("HEAD", "/"), ("GET", "/_cluster/health"), ("GET", "/_nodes/{which:path}"),
        *((method, path) for path in KEPT_BY_A_CLUSTER for method in ("HEAD", "GET", "PUT")),
    )  # fmt: skip

    def decode(self, request: Request, body: bytes) -> Decoded:
        """See HttpDecoder. `details` holds the result for each document."""
        if not request.path.endswith("/_bulk"):
            return Decoded([])
        default = request.path.strip("/").partition("/")[0] if request.path != "/_bulk" else ""
        lines = iter(body.decode("utf-8", errors="replace").split("\n"))
        records: list[Record] = []
        items: list[_Item] = []
        actions: dict[str, tuple[str, str]] = {}  # most lines before documents are alike
        for line in lines:
            if not line or line.isspace():
                continue
            if line not in actions:
                actions[line] = _action(line, default)
            action, index = actions[line]
            if action == "delete":
                items.append((action, index, "documents cannot be deleted here"))
                continue
            record = None if action == "update" else _record(next(lines, ""), request.peer)
            if action == "update":
                next(lines, "")
            if record is not None:
                records.append(record)
            items.append((action, index, None if record is not None else "the document cannot be used as a log record"))
        count = sum(why is not None for _, _, why in items)
        return Decoded(records, {"not_a_log_record": count} if count else {}, items)

    def accepted(self, request: Request, decoded: Decoded) -> Response:
        """See HttpDecoder."""
        if request.method == "HEAD":
            return Response(200, b"", headers=HEADERS)
        if not request.path.endswith("/_bulk"):
            return Response(200, json.dumps(_about(request)).encode(), headers=HEADERS)
        items: list[_Item] = decoded.details if isinstance(decoded.details, list) else []
        written = {item: json.dumps(_answered(*item)) for item in dict.fromkeys(items)}
        errors = json.dumps(any(why for *_, why in written))
        answer = f'{{"took": 0, "errors": {errors}, "items": [{", ".join([written[item] for item in items])}]}}'
        return Response(200, answer.encode(), headers=HEADERS)

    def refused(self, request: Request, refusal: RefusedRequest) -> Response:
        """See HttpDecoder."""
        kind = "es_rejected_execution_exception" if refusal.status == 429 else "illegal_argument_exception"
        error = {"error": {"type": kind, "reason": refusal.message}, "status": refusal.status}
        return Response(refusal.status, json.dumps(error).encode(), headers=HEADERS)


def server_info(headers: Mapping[str, str]) -> Response:
    """The answer to `GET /`, which clients request before they send.

    Beats refuse a server older than themselves, so the answer is the client's own version.
    """
    said = _CLIENT.search(headers.get("user-agent", "")[:200])
    about = {
        "name": "isang", "cluster_name": "isang", "cluster_uuid": "isang",
        "version": {"number": said[1] if said else VERSION, "build_flavor": "default"},
        "tagline": "You Know, for Search",
    }  # fmt: skip
    return Response(200, json.dumps(about).encode(), headers=HEADERS)


def _about(request: Request) -> dict[str, Any]:
    """The answers to other requests of clients."""
    if request.path == "/_license":
        return {"license": {"status": "active", "uid": "isang", "type": "basic", "mode": "basic"}}
    if request.path == "/_cluster/health":
        return {"cluster_name": "isang", "status": "green", "timed_out": False, "number_of_nodes": 1}
    if request.path.startswith("/_nodes/"):
        address = request.headers.get("host", "")
        http = {"publish_address": address, "bound_address": [address]}
        node = {"name": "isang", "version": VERSION, "roles": ["ingest"], "http": http}
        return {"cluster_name": "isang", "nodes": {"isang": node}}
    return {"acknowledged": True} if request.method == "PUT" else {}


def _action(line: str, default: str) -> tuple[str, str]:
    """The action and the index of a line before a document. Raises RefusedRequest."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or len(value) != 1:
        raise RefusedRequest(400, f'an action such as {{"create": {{}}}} was expected, got {line[:60]!r}')
    action, about = next(iter(value.items()))
    if action not in (*ACTIONS, "update", "delete"):
        raise RefusedRequest(400, f"the action must be index, create, update or delete, got {action[:40]!r}")
    index = about.get("_index") if isinstance(about, dict) else None
    return action, as_text(index)[:200] if index else default


def _record(line: str, peer: str) -> Record | None:
    """A document as a record; None if it is not valid."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not value:
        return None
    fields = flat(value)
    message = first_of(fields, MESSAGE)
    at = next((microseconds(value[name]) for name in TIME if name in value), None)
    kept = {name: text for name, text in fields.items() if name not in _TOLD}
    text = message if message is not None else as_text(value)
    return Record(
        source=source_of(fields, SOURCE, peer), text=text[:MOST_TEXT], time_us=at, level=first_of(fields, LEVEL),
        message=text[:MOST_TEXT] if message is not None else " ".join(sorted(kept))[:MOST_TEXT], fields=kept,
        trace_id=first_of(fields, TRACE),
    )  # fmt: skip


def _answered(action: str, index: str, why: str | None) -> dict[str, Any]:
    """The part of the answer for one document."""
    if why is None:
        return {action: {"_index": index, "status": 201, "result": "created"}}
    return {action: {"_index": index, "status": 400, "error": {"type": "document_parsing_exception", "reason": why}}}
