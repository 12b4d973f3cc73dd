"""OTLP over gRPC: LogsService/Export; needs the extra `isang[grpc]`."""

import time
from importlib.util import find_spec
from typing import Any

from isang.errors import UsageError
from isang.service.intake import RefusedRequest, Request
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.listener import bound
from isang.service.intake.otlp import PROTOBUF, Otlp
from isang.service.storage.journal import JournalFull, TooLarge
from isang.service.web.access import may_send

SERVICE = "opentelemetry.proto.collector.logs.v1.LogsService"
MOST_STREAMS = 100
"""Maximum number of concurrent requests per connection."""
STOP_SECONDS = 2.0


class OtlpGrpcListener:
    """One address. Raises UsageError if it cannot be bound, or grpcio is missing."""

    name = "otlp_grpc"

    def __init__(self, host: str, port: int, acceptance: Acceptance) -> None:
        if find_spec("grpc") is None:
            raise UsageError("--otlp-grpc needs grpcio: pip install 'isang[grpc]'")
        import socket

        with bound(host, port, socket.SOCK_STREAM, "OTLP", "--otlp-grpc") as free:
            self.port = int(free.getsockname()[1])
        self._address = f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
        self._acceptance = acceptance
        self._decoder = Otlp()
        self._server: Any = None
        self.described = f"OTLP over gRPC: {self._address}"

    async def start(self) -> None:
        """Listen, in the running event loop."""
        import grpc

        settings = self._acceptance.settings
        options = [
            ("grpc.max_receive_message_length", settings.plain_bytes), ("grpc.so_reuseport", 0),
            ("grpc.max_concurrent_streams", MOST_STREAMS),
        ]  # fmt: skip
        self._server = grpc.aio.server(options=options, maximum_concurrent_rpcs=settings.connections)
        export = grpc.unary_unary_rpc_method_handler(self._export)
        self._server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, {"Export": export})])
        self._server.add_insecure_port(self._address)
        await self._server.start()

    async def stop(self) -> None:
        """Finish pending requests, and close."""
        if self._server is not None:
            await self._server.stop(STOP_SECONDS)

    def close(self) -> None:
        """See Listener."""

    async def _export(self, body: bytes, context: Any) -> bytes:
        import grpc

        settings = self._acceptance.settings
        named = dict(context.invocation_metadata() or ()).get("authorization", "")
        if settings.token and not may_send(str(named), settings):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "name the token: authorization: Bearer TOKEN")
        request = Request("POST", "/v1/logs", {"content-type": PROTOBUF}, {}, time.time_ns() // 1000, context.peer())
        try:
            decoded = self._decoder.decode(request, body)
            await self._acceptance.keep(self.name, decoded, self._acceptance.table(decoded.records))
        except RefusedRequest as refusal:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, refusal.message)
        except TooLarge:
            self._acceptance.metrics.refused.labels("413").inc()
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "more records than the journal can ever hold; send fewer at a time"
            )
        except (JournalFull, OSError):  # clients will retry
            self._acceptance.metrics.refused.labels("429").inc()
            await context.abort(grpc.StatusCode.UNAVAILABLE, "there is no room for more records yet; send again later")
        return self._decoder.accepted(request, decoded).body
