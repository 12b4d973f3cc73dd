"""The service over HTTP: intake, API and event stream."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import polars as pl
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from isang.artifact import Model
from isang.detection.incidents import SCHEMA
from isang.service.intake import Decoded, HttpDecoder, RefusedRequest, Request
from isang.service.intake import Response as Answer
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.elasticsearch import server_info
from isang.service.metrics import Metrics
from isang.service.plugged import http_decoders
from isang.service.settings import ServiceSettings
from isang.service.storage.database import Database
from isang.service.storage.journal import JournalFull, RecordJournal, TooLarge
from isang.service.web.access import Access
from isang.service.web.actions import Acting
from isang.service.web.actions import routes as action_routes
from isang.service.web.bodies import body_of
from isang.service.web.events import EventChannel
from isang.service.web.openapi import document
from isang.service.web.pages import front_page, page_routes, wants_page

RETRY_AFTER_SECONDS = 5
LARGE_BODY_BYTES = 64 << 10
"""Larger bodies are decoded in a thread, so that other requests are served meanwhile."""
MOST_INCIDENTS = 1000
MOST_PATH = 200
STATES = ("firing", "resolved", "expired")
_SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


class Running(Acting, Protocol):
    """The methods of the running service that the application uses."""

    settings: ServiceSettings
    journal: RecordJournal
    database: Database
    metrics: Metrics
    events: EventChannel

    def status(self) -> dict[str, Any]:
        """The content of `/api/v1/status`."""

    def is_ready(self) -> bool:
        """Whether it is judging or learning."""

    def model_in_use(self) -> tuple[Model, Path] | None:
        """The model that judges, and its folder."""


def application(service: Running) -> Starlette:
    """The whole ASGI application."""
    decoders = http_decoders()
    routes = [
        Route(path, _intake(service, decoder), methods=[method])
        for decoder in decoders
        for method, path in decoder.routes
    ]
    for path, answer in _READ.items():
        routes.append(Route(path, _reader(service, answer), methods=["GET"]))
    routes += action_routes(service, _SAFE)
    routes.append(Route("/api/v1/events", _events(service), methods=["GET"]))
    routes.append(Route("/", partial(_front, service), methods=["GET"]))
    routes += page_routes(service, [route.path for route in routes])
    there = sorted({path for decoder in decoders for method, path in decoder.routes if method == "POST"})
    handlers = {404: _nothing_there(there), 405: _other_method}
    return Starlette(
        routes=routes, middleware=[Middleware(Access, settings=service.settings)], exception_handlers=handlers
    )


def _nothing_there(intakes: Sequence[str]) -> Callable[[HttpRequest, Exception], Response]:
    def answer(http: HttpRequest, error: Exception) -> Response:
        text = f"nothing is at {http.url.path[:MOST_PATH]}; records go to {', '.join(intakes)}"
        return JSONResponse({"error": text}, 404, _SAFE)

    return answer


def _other_method(http: HttpRequest, error: Exception) -> Response:
    allowed = error.headers or {} if isinstance(error, HTTPException) else {}
    text = f"{http.url.path[:MOST_PATH]} takes {allowed.get('Allow', 'another method')}, not {http.method[:20]}"
    return JSONResponse({"error": text}, 405, {**_SAFE, **allowed})


def _intake(service: Running, decoder: HttpDecoder) -> Callable[[HttpRequest], Any]:
    async def take(http: HttpRequest) -> Response:
        peer = http.client.host if http.client else ""
        received_us = time.time_ns() // 1000
        request = Request(http.method, http.url.path, http.headers, http.query_params, received_us, peer)
        try:
            answer = await _accepted(service, decoder, http, request)
        except RefusedRequest as refusal:
            service.metrics.refused.labels(str(refusal.status)).inc()
            answer = decoder.refused(request, refusal)
            if refusal.retry_after_seconds is not None:
                headers = {**answer.headers, "Retry-After": str(refusal.retry_after_seconds)}
                answer = answer._replace(headers=headers)
        headers = {**_SAFE, **answer.headers}
        return Response(answer.body, answer.status, headers, media_type=answer.content_type)

    return take


async def _accepted(service: Running, decoder: HttpDecoder, http: HttpRequest, request: Request) -> Answer:
    """The response to a request once its records are on disk. Raises RefusedRequest."""
    if service.journal.is_full:
        raise _full()
    body = await body_of(http, service.settings)
    acceptance = Acceptance(service.journal, service.metrics, service.settings)

    def work() -> tuple[Decoded, pl.DataFrame]:
        decoded = decoder.decode(request, body)
        return decoded, acceptance.table(decoded.records)

    decoded, table = await run_in_threadpool(work) if len(body) > LARGE_BODY_BYTES else work()
    try:
        await acceptance.keep(decoder.name, decoded, table)
    except JournalFull:
        raise _full() from None
    except TooLarge:
        raise RefusedRequest(413, "more records than the journal can ever hold; send fewer at a time") from None
    except OSError as error:
        text = f"the records cannot be written: {error.strerror or error}"
        raise RefusedRequest(503, text, RETRY_AFTER_SECONDS) from error
    return decoder.accepted(request, decoded)


def _full() -> RefusedRequest:
    return RefusedRequest(
        429, "more records wait to be judged than there is room for; send again later", RETRY_AFTER_SECONDS
    )


def _reader(service: Running, answer: Callable[[Running, HttpRequest], Response]) -> Callable[[HttpRequest], Any]:
    async def read(http: HttpRequest) -> Response:
        response = await run_in_threadpool(answer, service, http)
        for name, value in _SAFE.items():
            response.headers.setdefault(name, value)
        return response

    return read


async def _front(service: Running, http: HttpRequest) -> Response:
    """The overview page for a browser; server information for other clients, as Elasticsearch's request it."""
    if wants_page(http):
        return await front_page(service, http)
    about = server_info(http.headers)
    return Response(about.body, about.status, dict(about.headers), media_type=about.content_type)


def _status(service: Running, http: HttpRequest) -> Response:
    return JSONResponse(service.status())


def _incidents(service: Running, http: HttpRequest) -> Response:
    query = http.query_params
    state, limit = query.get("state"), query.get("limit", "100")
    if state is not None and state not in STATES:
        return _wrong(f"state must be one of {', '.join(STATES)}, got {state[:40]!r}")
    if not limit.isascii() or not limit.isdigit() or not 1 <= int(limit[:9]) <= MOST_INCIDENTS:
        return _wrong(f"limit must be a number from 1 to {MOST_INCIDENTS}, got {limit[:40]!r}")
    if query.get("silenced", "true") not in ("true", "false"):
        return _wrong(f"silenced must be true or false, got {query['silenced'][:40]!r}")
    silenced = None if "silenced" not in query else query["silenced"] == "true"
    found = service.database.incidents(
        state=state, stream=query.get("stream"), since=query.get("since"), limit=int(limit), silenced=silenced
    )
    return JSONResponse({"schema": SCHEMA, "incidents": found})


def _incident(service: Running, http: HttpRequest) -> Response:
    found = service.database.incident(http.path_params["id"])
    if found is None:
        return JSONResponse({"error": "there is no such incident"}, 404)
    return JSONResponse(found)


def _health(service: Running, http: HttpRequest) -> Response:
    return JSONResponse({"status": "ok"})


def _ready(service: Running, http: HttpRequest) -> Response:
    ready = service.is_ready()
    return JSONResponse({"ready": ready}, 200 if ready else 503)


def _metrics(service: Running, http: HttpRequest) -> Response:
    return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _openapi(service: Running, http: HttpRequest) -> Response:
    return JSONResponse(document())


_READ: dict[str, Callable[[Running, HttpRequest], Response]] = {
    "/api/v1/status": _status,
    "/api/v1/incidents": _incidents,
    "/api/v1/incidents/{id}": _incident,
    "/healthz": _health,
    "/readyz": _ready,
    "/metrics": _metrics,
    "/openapi.json": _openapi,
}


def _events(service: Running) -> Callable[[HttpRequest], Any]:
    async def listen(http: HttpRequest) -> Response:
        return StreamingResponse(service.events.listen(), media_type="text/event-stream", headers=_SAFE)

    return listen


def _wrong(text: str) -> Response:
    return JSONResponse({"error": text}, 400)
