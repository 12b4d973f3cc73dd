"""Outputs of incidents: one sender per output, pure functions from incidents to requests.

The service keeps pending notices in its database, sends them, and retries with growing pauses, also after a restart:
delivery is at least once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Event = Literal["firing", "repeated", "resolved"]


class Notice(NamedTuple):
    """A notification about one incident."""

    event: Event
    """`repeated`: it still fires and has already been reported."""
    incident: Mapping[str, Any]
    """As returned by `/api/v1/incidents/{id}`."""
    page_url: str
    """The address of its page."""


class OutgoingRequest(NamedTuple):
    """One HTTP request."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Sender(Protocol):
    """One output over HTTP."""

    name: str
    """Label of `notifications_total{output,outcome}`."""
    repeat_seconds: float | None
    """Time after which a firing incident is reported again; None: only once."""

    def request(self, notices: Sequence[Notice], now_us: int) -> OutgoingRequest | None:
        """One request for all `notices`; None if this output does not report them."""

    def outcome(self, status: int, body: bytes) -> Literal["delivered", "retry", "refused"]:
        """The meaning of the response; `refused` is not retried."""


def outcome_of(status: int) -> Literal["delivered", "retry", "refused"]:
    """The meaning of an HTTP status for a sender: timeouts, rate limits and server errors may be temporary."""
    if 200 <= status < 300:
        return "delivered"
    return "retry" if status in (408, 425, 429) or status >= 500 else "refused"
