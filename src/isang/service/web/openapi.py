"""The description of the service's HTTP interface, as OpenAPI 3.1."""

from typing import Any

import isang

_ERROR = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_INCIDENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "fingerprint": {"type": "string"},
        "stream": {"type": "string"},
        "state": {"enum": ["firing", "resolved", "expired"]},
        "severity": {"enum": ["low", "medium", "high", "critical"]},
        "title": {"type": "string"},
        "score": {"type": "number"},
        "first_seen": {"type": ["string", "null"]},
        "last_seen": {"type": ["string", "null"]},
        "sessions": {"type": "integer"},
        "examples": {"type": "array", "items": {"type": "object"}},
        "reasons": {"type": "array", "items": {"type": "object"}},
        "model": {"type": ["string", "null"]},
        "feedback": {"type": ["object", "null"]},
        "silenced_by": {"type": ["string", "null"], "description": "the answer that says that it is normal"},
    },
    "required": ["id", "fingerprint", "stream", "state", "severity", "title", "sessions"],
}


_ANSWER = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "verdict": {"enum": ["normal", "anomaly", "acknowledged"]},
        "scope": {"enum": ["incident", "template", "detector"]},
        "fingerprint": {"type": "string"},
        "title": {"type": "string"},
        "at": {"type": "string"},
        "until": {"type": ["string", "null"]},
    },
    "required": ["id", "verdict", "scope", "fingerprint", "at"],
}
_MODEL = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "state": {"enum": ["training", "failed", "refused", "shadow", "promoted", "earlier"]},
        "folder": {"type": "string"},
        "created_us": {"type": "integer"},
        "reason": {"type": "string"},
        "reason_ko": {"type": "string"},
    },
    "required": ["id", "state", "folder", "created_us"],
}


def document() -> dict[str, Any]:
    """The document at /openapi.json."""
    incidents = {
        "type": "object",
        "properties": {"schema": {"const": 1}, "incidents": {"type": "array", "items": _ref("Incident")}},
        "required": ["schema", "incidents"],
    }
    query = [
        _parameter("query", "state", {"enum": ["firing", "resolved", "expired"]}),
        _parameter("query", "stream", {"type": "string"}),
        _parameter(
            "query", "silenced", {"type": "boolean", "description": "only those that answers silence, or only others"}
        ),
        _parameter("query", "since", {"type": "string", "description": "ISO 8601"}),
        _parameter("query", "limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}),
    ]
    an_id = [_parameter("path", "id", {"type": "string"}, required=True)]
    lines = {"text/plain": {"schema": {"type": "string"}}, "application/x-ndjson": {"schema": {"type": "string"}}}
    source = [_parameter("query", "source", {"type": "string", "maxLength": 200})]
    return {
        "openapi": "3.1.0",
        "info": {"title": "isang", "version": isang.__version__, "license": {"name": "Apache-2.0"}},
        "components": {
            "schemas": {"Incident": _INCIDENT, "Error": _ERROR, "Answer": _ANSWER, "Model": _MODEL},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "paths": {
            "/api/v1/status": {"get": _operation("What the service does at the moment.", {"type": "object"})},
            "/api/v1/incidents": {
                "get": _operation("Incidents, the most severe first.", incidents, query, also=("400",))
            },
            "/api/v1/incidents/{id}": {"get": _operation("One incident.", _ref("Incident"), an_id, also=("404",))},
            **_feedback_paths(an_id),
            **_model_paths(an_id),
            "/api/v1/events": {
                "get": _operation("Changes of incidents, as server-sent events.", None, media="text/event-stream")
            },
            "/healthz": {"get": _operation("The process runs.", {"type": "object"})},
            "/readyz": {"get": _operation("It judges, or learns.", {"type": "object"}, also=("503",))},
            "/metrics": {"get": _operation("Metrics of Prometheus.", None, media="text/plain")},
            "/openapi.json": {"get": _operation("This document.", {"type": "object"})},
            "/ingest": {
                "post": _operation(
                    "Take log lines in; the answer comes when they are on disk.",
                    {"type": "object"},
                    source,
                    also=("400", "408", "413", "415", "429", "503"),
                    body=lines,
                )
            },
        },
    }


def _feedback_paths(an_id: list[dict[str, Any]]) -> dict[str, Any]:
    given = {
        "type": "object",
        "properties": {
            "verdict": {"enum": ["normal", "anomaly", "acknowledged"]},
            "scope": {"enum": ["incident", "template", "detector"], "default": "incident"},
            "until": {"type": ["string", "null"], "format": "date-time"},
            "template": {"type": ["string", "null"], "description": "which of the incident's lines is meant"},
            "dry_run": {"type": "boolean", "description": "say what it would silence, and accept nothing"},
        },
        "required": ["verdict"],
        "additionalProperties": False,
    }
    accepted = {
        "type": "object",
        "properties": {
            "schema": {"const": 1},
            "feedback": _ref("Answer"),
            "accepted": {"type": "boolean"},
            "effect": {"type": "object"},
        },
        "required": ["schema", "feedback", "accepted", "effect"],
    }
    listed = {
        "type": "object",
        "properties": {"schema": {"const": 1}, "feedback": {"type": "array", "items": _ref("Answer")}},
        "required": ["schema", "feedback"],
    }
    undone = {"type": "object", "properties": {"schema": {"const": 1}, "undone": _ref("Answer")}}
    body = {"application/json": {"schema": given}}
    return {
        "/api/v1/incidents/{id}/feedback": {
            "post": _operation("Answer to an incident.", accepted, an_id, also=("400", "404", "413"), body=body)
        },
        "/api/v1/feedback": {"get": _operation("The answers in effect, the latest first.", listed)},
        "/api/v1/feedback/{id}": {"delete": _operation("Take an answer back.", undone, an_id, also=("404",))},
    }


def _model_paths(an_id: list[dict[str, Any]]) -> dict[str, Any]:
    listed = {
        "type": "object",
        "properties": {
            "schema": {"const": 1},
            "models": {"type": "array", "items": _ref("Model")},
            "waits": {"type": ["string", "null"], "description": "why it is no time to train"},
            "waits_ko": {"type": ["string", "null"]},
            "suggestion": {"type": ["object", "null"], "description": "why a candidate is worth training"},
        },
        "required": ["schema", "models"],
    }
    force = {"type": "object", "properties": {"force": {"type": "boolean"}}, "additionalProperties": False}
    train = _operation("Train a candidate.", _ref("Model"), also=("400", "409", "413"), code="202")
    train["requestBody"] = {"content": {"application/json": {"schema": force}}, "required": False}
    return {
        "/api/v1/models": {"get": _operation("Versions of the model, the latest first.", listed)},
        "/api/v1/models/train": {"post": train},
        "/api/v1/models/{id}/promote": {
            "post": _operation("Let this version judge.", _ref("Model"), an_id, also=("404", "409"))
        },
        "/api/v1/models/rollback": {
            "post": _operation("Let the version before judge again.", _ref("Model"), also=("409",))
        },
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _parameter(where: str, name: str, schema: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    return {"in": where, "name": name, "schema": schema, "required": required}


def _operation(
    summary: str,
    schema: dict[str, Any] | None,
    parameters: list[dict[str, Any]] | None = None,
    *,
    also: tuple[str, ...] = (),
    media: str = "application/json",
    body: dict[str, Any] | None = None,
    code: str = "200",
) -> dict[str, Any]:
    fine = {"description": "Done.", "content": {media: {"schema": schema or {"type": "string"}}}}
    error = {"description": "Refused.", "content": {"application/json": {"schema": _ref("Error")}}}
    found: dict[str, Any] = {"summary": summary, "responses": {code: fine, **dict.fromkeys(also, error)}}
    found["responses"] |= {"401": error, "403": error}
    if parameters:
        found["parameters"] = parameters
    if body:
        found["requestBody"] = {"content": body, "required": True}
    return found
