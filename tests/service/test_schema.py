"""The service answers as /openapi.json says, whatever it is asked (schemathesis)."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from isang.service.web.http import application
from tests.service.test_web import INCIDENT, Parts

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

EXAMPLES = 15
ENDLESS = {"/api/v1/events"}


def test_answers_are_those_of_the_description(tmp_path: Path) -> None:
    parts = Parts(tmp_path)
    parts.database.put_incident(INCIDENT | {"reasons": [], "symptoms": [], "examples": []}, 0)
    inner = application(parts)

    async def from_here(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope | {"client": ("127.0.0.1", 1)}, receive, send)

    schema = schemathesis.openapi.from_asgi("/openapi.json", from_here, headers={"Host": "localhost:8765"})
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in ENDLESS:
            continue

        @seed(0)
        @settings(
            max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck),
            phases=[Phase.explicit, Phase.generate],
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            nonlocal asked
            asked += 1
            answer = case.call(headers={"Host": "localhost:8765"})
            assert answer.status_code < 500, (case.method, case.path, answer.status_code)
            case.validate_response(answer, checks=[
                schemathesis.checks.not_a_server_error, *_checks(
                    "status_code_conformance", "content_type_conformance", "response_schema_conformance"
                ),
            ])  # fmt: skip

        one()
    assert asked > 100
    parts.close()


def _checks(*names: str) -> list[Any]:
    from schemathesis.specs.openapi import checks

    return [getattr(checks, name) for name in names]
