"""Actions over HTTP: answers to incidents, and commands to the models."""

import json
from collections.abc import Callable
from typing import Any, Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from isang.service.feedback import Feedback, Refused
from isang.service.intake import RefusedRequest
from isang.service.settings import ServiceSettings
from isang.service.web.bodies import body_of

MOST_BODY_BYTES = 64 << 10


class Acting(Protocol):
    """The methods of the running service that these routes use."""

    settings: ServiceSettings
    feedback: Feedback

    def models(self) -> dict[str, Any]:
        """The content of `/api/v1/models`."""

    def train(self, *, force: bool) -> dict[str, Any]:
        """Start to train a candidate. Raises Refused."""

    def promote(self, name: str) -> dict[str, Any]:
        """Promote a model. Raises Refused."""

    def rollback(self) -> dict[str, Any]:
        """Promote the previous model again. Raises Refused."""


Act = Callable[[Acting, HttpRequest, Any], Any]


def routes(service: Acting, headers: dict[str, str]) -> list[Route]:
    """One route per action; responses include the `headers`."""
    return [Route(path, _action(service, act, code, headers), methods=[method]) for method, path, act, code in _ACTIONS]


def _action(service: Acting, act: Act, code: int, headers: dict[str, str]) -> Callable[[HttpRequest], Any]:
    async def do(http: HttpRequest) -> Response:
        try:
            body = await _json_of(http, service.settings)
            found = await run_in_threadpool(act, service, http, body)
        except Refused as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status, headers)
        except RefusedRequest as refusal:
            return JSONResponse({"error": str(refusal)}, refusal.status, headers)
        return JSONResponse(found, code, headers)

    return do


async def _json_of(http: HttpRequest, settings: ServiceSettings) -> Any:
    """The body as JSON; an empty one is an empty object. Raises Refused and RefusedRequest."""
    content = await body_of(http, settings)
    if len(content) > MOST_BODY_BYTES:
        raise Refused(413, f"the body is larger than {MOST_BODY_BYTES >> 10} KiB; send less")
    try:
        return json.loads(content) if content.strip() else {}
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body must be a JSON object: {str(error)[:200]}") from error


def _give(service: Acting, http: HttpRequest, body: Any) -> Any:
    return service.feedback.give(http.path_params["id"], body)


def _listed(service: Acting, http: HttpRequest, body: Any) -> Any:
    return service.feedback.listed()


def _undo(service: Acting, http: HttpRequest, body: Any) -> Any:
    return service.feedback.undo(http.path_params["id"])


def _models(service: Acting, http: HttpRequest, body: Any) -> Any:
    return service.models()


def _train(service: Acting, http: HttpRequest, body: Any) -> Any:
    known = isinstance(body, dict) and set(body) <= {"force"} and isinstance(body.get("force", False), bool)
    if not known:
        raise Refused(400, 'the body must be empty, or {"force": true}, to train during an outage')
    return service.train(force=body.get("force", False))


def _promote(service: Acting, http: HttpRequest, body: Any) -> Any:
    return service.promote(http.path_params["id"])


def _rollback(service: Acting, http: HttpRequest, body: Any) -> Any:
    return service.rollback()


_ACTIONS: tuple[tuple[str, str, Act, int], ...] = (
    ("POST", "/api/v1/incidents/{id}/feedback", _give, 200),
    ("GET", "/api/v1/feedback", _listed, 200),
    ("DELETE", "/api/v1/feedback/{id}", _undo, 200),
    ("GET", "/api/v1/models", _models, 200),
    ("POST", "/api/v1/models/train", _train, 202),
    ("POST", "/api/v1/models/{id}/promote", _promote, 200),
    ("POST", "/api/v1/models/rollback", _rollback, 200),
)
