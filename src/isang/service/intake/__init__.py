"""How records come in: one decoder per protocol, pure functions from bytes to records.

The service decompresses bodies (within a limit), checks the token, writes the records to the journal and answers only
when they are on disk. A decoder never does any input or output, and raises nothing but `RefusedRequest`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from isang.logs.stream.record import Record


class Request(NamedTuple):
    """The parts of a request that a decoder sees."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Header names are in lower case."""
    query: Mapping[str, str]
    received_us: int
    """Microseconds since 1970 UTC, by the service's clock."""
    peer: str
    """Address of the sender, without the port."""


class Response(NamedTuple):
    """The response to the sender."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


@dataclass(frozen=True)
class Decoded:
    """The records of one request, in their order."""

    records: list[Record]
    refused: Mapping[str, int] = field(default_factory=dict)
    """Numbers of unusable records by reason; reasons are few, fixed words, since they label a metric."""
    details: object = None
    """What `accepted` needs to answer, such as which items of a bulk request were refused."""


class RefusedRequest(Exception):
    """A request that cannot be decoded, or whose records could not be stored."""

    def __init__(self, status: int, message: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.retry_after_seconds = status, message, retry_after_seconds


class HttpDecoder(Protocol):
    """One protocol over HTTP."""

    name: str
    """Label of `records_received_total{intake}`."""
    routes: tuple[tuple[str, str], ...]
    """(method, path) pairs, such as ("POST", "/v1/logs"), including what clients request before they send."""

    def decode(self, request: Request, body: bytes) -> Decoded:
        """The records of a request, whose `body` is decompressed. Raises RefusedRequest with status 4xx."""

    def accepted(self, request: Request, decoded: Decoded) -> Response:
        """The answer once all of `decoded.records` are on disk."""

    def refused(self, request: Request, refusal: RefusedRequest) -> Response:
        """The answer in the protocol's own words; the service adds Retry-After."""


class Listener(Protocol):
    """An intake other than HTTP, such as syslog: it acquires its system resources when created, and runs in the
    service's
    event loop."""

    name: str
    """Label of `records_received_total{intake}`."""
    described: str
    """Where it listens, for display."""

    async def start(self) -> None:
        """Start to accept records."""

    async def stop(self) -> None:
        """Store what was accepted, and close."""

    def close(self) -> None:
        """Release resources if it was not started."""
