"""Calls from one service to another, with the request's id passed on."""

import json
from typing import Any

import context
import settings
import urllib3


class CallFailed(Exception):
    """The other service could not be reached or did not answer in time."""

    def __init__(self, service: str, reason: str, *, timed_out: bool) -> None:
        super().__init__(f"{service}: {reason}")
        self.service, self.reason, self.timed_out = service, reason, timed_out


class Client:
    def __init__(self, service: str, timeout_seconds: float = settings.CALL_TIMEOUT_SECONDS) -> None:
        self.service, self._timeout = service, timeout_seconds
        self._connections = urllib3.PoolManager(maxsize=32, retries=False, timeout=timeout_seconds)

    def call(self, method: str, path: str, content: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Status and content of the answer, whatever the status. Raises CallFailed."""
        headers = {"X-Request-ID": context.current.request_id, "Content-Type": "application/json"}
        body = json.dumps(content).encode() if content is not None else None
        try:
            answer = self._connections.request(method, settings.url(self.service) + path, body=body, headers=headers)
        except urllib3.exceptions.NewConnectionError as error:
            raise CallFailed(self.service, str(error).rpartition(": ")[2], timed_out=False) from error
        except urllib3.exceptions.TimeoutError as error:
            raise CallFailed(self.service, f"no answer within {self._timeout} s", timed_out=True) from error
        except urllib3.exceptions.HTTPError as error:
            raise CallFailed(self.service, f"{type(error).__name__}: connection lost", timed_out=False) from error
        context.current.steps.extend(answer.headers.get("X-Steps", "").split())
        return answer.status, json.loads(answer.data or b"{}")
