"""Syslog over UDP and TCP: the sockets around the decoder.

While the journal is full, streams are not read, so that their senders wait. Dropped datagrams are counted, whether
they were dropped here or by the system.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool

from isang.errors import UsageError
from isang.progress import say
from isang.service.intake import Decoded
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.syslog import SyslogDatagrams, SyslogStream
from isang.service.storage.journal import JournalFull

READ_BYTES = 256 << 10
"""Maximum number of bytes per read of a stream."""
LARGE_BYTES = 32 << 10
"""Larger batches are decoded in a thread, so that the event loop stays responsive."""
WRITE_BYTES = 1 << 20
"""Maximum bytes of datagrams per write."""
MOST_WAITING_BYTES = 16 << 20
"""Maximum bytes of datagrams waiting to be written."""
MOST_AT_ONCE = 1000
"""Maximum number of datagrams read before other tasks get a turn."""
RETRY_SECONDS, STOP_SECONDS = 0.2, 2.0
SOCKET_BYTES = 8 << 20
"""Receive buffer size requested from the system."""
_FORCED = 33
"""SO_RCVBUFFORCE, with which root may exceed the system's limit."""


class SyslogListener:
    """One address, by UDP and TCP. Raises UsageError if it cannot be bound."""

    name = "syslog"

    def __init__(self, host: str, port: int, acceptance: Acceptance, allowed: Sequence[str]) -> None:
        self._acceptance = acceptance
        self._allowed = [ipaddress.ip_network(network, strict=False) for network in allowed]
        self._stream = bound(host, port, socket.SOCK_STREAM)
        self.port = int(self._stream.getsockname()[1])
        try:
            self._datagrams = bound(host, self.port, socket.SOCK_DGRAM)
        except UsageError:
            self._stream.close()
            raise
        self.described = f"syslog: {host}:{self.port} (UDP and TCP)"
        self._waiting: list[tuple[bytes, str]] = []
        self._waiting_bytes = 0
        self._lost = _lost_by_the_system(self._datagrams)
        self._came, self._stopping = asyncio.Event(), False
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, in the running event loop."""
        self._server = await asyncio.start_server(self._connected, sock=self._stream, limit=READ_BYTES)
        asyncio.get_running_loop().add_reader(self._datagrams.fileno(), self._read_datagrams)
        self._begin(self._write_datagrams())

    async def stop(self) -> None:
        """Store what was read, and close."""
        self._stopping = True
        if self._server is not None:
            self._read_datagrams()
            self._server.close()
            asyncio.get_running_loop().remove_reader(self._datagrams.fileno())
        self._came.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
        self.close()

    def close(self) -> None:
        """Close the sockets."""
        self._stream.close()
        self._datagrams.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _may_send(self, peer: str) -> bool:
        """Whether an address may send: syslog has no tokens, so senders are authorised by address."""
        address = ipaddress.ip_address(peer.partition("%")[0])
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or any(address in network for network in self._allowed)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str((writer.get_extra_info("peername") or ("",))[0])
        if not self._may_send(peer) or len(self._tasks) > self._acceptance.settings.connections:
            self._acceptance.metrics.refused.labels("syslog_connection").inc()
            writer.close()
            return
        self._begin(self._read_stream(reader, writer, peer))

    async def _read_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        decoder = SyslogStream(peer)
        try:
            while data := await self._came_in(reader):
                await self._keep(lambda data=data: decoder.feed(data, _now_us()), len(data))  # type: ignore[misc]
                if decoder.broken is not None:
                    self._acceptance.drop("syslog_framing")
                    say(f"warning: a syslog connection of {peer} is closed: {decoder.broken}")
                    break
            await self._keep(lambda: decoder.finish(_now_us()), 0)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _came_in(self, reader: asyncio.StreamReader) -> bytes:
        """The bytes received; empty at the end of the stream, or when the service stops."""
        while not self._stopping:
            with suppress(TimeoutError):
                return await asyncio.wait_for(reader.read(READ_BYTES), STOP_SECONDS / 4)
        return b""

    def _read_datagrams(self) -> None:
        """Read waiting datagrams; if too many wait to be written, drop and count them."""
        for _ in range(MOST_AT_ONCE):
            try:
                data, (peer, *_) = self._datagrams.recvfrom(65_536)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                continue
            if not self._may_send(peer):
                self._acceptance.drop("syslog_sender")
            elif self._waiting_bytes + len(data) > MOST_WAITING_BYTES:
                self._acceptance.drop("syslog_udp_full")
            else:
                self._waiting.append((data, peer))
                self._waiting_bytes += len(data)
        self._came.set()

    async def _write_datagrams(self) -> None:
        while not (self._stopping and not self._waiting):
            await self._came.wait()
            self._came.clear()
            lost = _lost_by_the_system(self._datagrams)
            self._acceptance.drop("syslog_udp_system", max(0, lost - self._lost))
            self._lost = lost
            while self._waiting:
                taken, size = self._next_datagrams()
                await self._keep(lambda taken=taken: _decoded(taken), size)  # type: ignore[misc]
                self._waiting_bytes -= size

    def _next_datagrams(self) -> tuple[list[tuple[bytes, str]], int]:
        """The next datagrams to write together, and their size in bytes."""
        size = count = 0
        while count < len(self._waiting) and size < WRITE_BYTES:
            size += len(self._waiting[count][0])
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken, size

    async def _keep(self, decode: Callable[[], Decoded], size: int) -> None:
        """Decode and write to the journal, waiting as long as it takes until there is room."""

        def work() -> tuple[Decoded, Any]:
            decoded = decode()
            return decoded, self._acceptance.table(decoded.records)

        decoded, table = await run_in_threadpool(work) if size > LARGE_BYTES else work()
        said = False
        while True:
            try:
                await self._acceptance.keep_in_parts(self.name, decoded, table)
                return
            except (JournalFull, OSError) as error:
                if self._stopping:
                    self._acceptance.drop("syslog_stopped", table.height)
                    return
                if not said and isinstance(error, OSError):
                    say(f"warning: syslog waits: {error.strerror or error}")
                said = True
            await asyncio.sleep(RETRY_SECONDS)


def _decoded(datagrams: Sequence[tuple[bytes, str]]) -> Decoded:
    now_us = _now_us()
    decoded = [SyslogDatagrams(peer).feed(data, now_us) for data, peer in datagrams]
    return Decoded([record for each in decoded for record in each.records])


def _now_us() -> int:
    return time.time_ns() // 1000


def bound(
    host: str, port: int, kind: socket.SocketKind, what: str = "syslog", option: str = "--syslog"
) -> socket.socket:
    """A socket bound to the address. Raises UsageError."""
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    found.setblocking(False)
    try:
        if kind == socket.SOCK_STREAM:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            _widened(found)
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise UsageError(
            f"cannot listen for {what} on {host}:{port}: {error.strerror or error}; set another {option}"
        ) from error
    return found


def _widened(datagrams: socket.socket) -> None:
    try:
        datagrams.setsockopt(socket.SOL_SOCKET, _FORCED, SOCKET_BYTES)
    except OSError:
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BYTES)


def _lost_by_the_system(datagrams: socket.socket) -> int:
    """Datagrams dropped by the system for lack of buffer space since the socket was opened; 0 if it does not report
    it."""
    wide = datagrams.family == socket.AF_INET6
    with suppress(OSError, ValueError, IndexError):
        inode = str(Path(f"/proc/self/fd/{datagrams.fileno()}").readlink()).partition("[")[2].rstrip("]")
        for line in Path("/proc/net/udp6" if wide else "/proc/net/udp").read_text(encoding="ascii").splitlines()[1:]:
            columns = line.split()
            if columns[9] == inode:
                return int(columns[12])
    return 0
