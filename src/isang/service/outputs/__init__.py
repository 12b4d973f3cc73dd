"""How incidents go out: one sender per output, pure functions from incidents to requests.

The service keeps what is still to be delivered in its database, sends, and tries again with a growing pause, also after
a restart: delivery is at least once.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

Event = Literal["firing", "repeated", "resolved"]


class Notice(NamedTuple):
    """One incident to tell of."""

    event: Event
    """`repeated`: it still fires and has been told before."""
    incident: Mapping[str, Any]
    """As `/api/v1/incidents/{id}` gives it."""
    page_url: str
    """Where a person can look at it."""


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
    """A firing incident is told again after this time; None: once."""

    def request(self, notices: Sequence[Notice], now_us: int) -> OutgoingRequest | None:
        """One request that tells of all `notices`; None where this output has nothing to say of them."""

    def outcome(self, status: int, body: bytes) -> Literal["delivered", "retry", "refused"]:
        """What the answer means; `refused` is not tried again."""


def outcome_of(status: int) -> Literal["delivered", "retry", "refused"]:
    """What an HTTP status means to a sender: a time-out, a limit or a fault of the server may pass."""
    if 200 <= status < 300:
        return "delivered"
    return "retry" if status in (408, 425, 429) or status >= 500 else "refused"
