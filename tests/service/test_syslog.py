"""Syslog over sockets: rsyslog and logger send, nothing that was read is lost, and what is dropped is counted."""

import asyncio
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isang.errors import UsageError
from isang.service.intake.acceptance import Acceptance
from isang.service.intake.listener import SyslogListener
from isang.service.metrics import Metrics
from isang.service.settings import ServiceSettings
from isang.service.storage.journal import JournalSource, RecordJournal


class Listening:
    """A listener in an event loop of its own, and what it wrote."""

    def __init__(self, folder: Path, journal_bytes: int = 64 << 20) -> None:
        self.metrics = Metrics()
        self.journal = RecordJournal(folder / "journal", max_bytes=journal_bytes, segment_bytes=1 << 16)
        self.source = JournalSource(self.journal)
        self.acceptance = Acceptance(self.journal, self.metrics, ServiceSettings(home=folder))
        self.listener = SyslogListener("127.0.0.1", 0, self.acceptance, [])
        self.port = self.listener.port
        self._stop = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._started = threading.Event()
        self._thread.start()
        assert self._started.wait(20)

    async def _run(self) -> None:
        await self.listener.start()
        self._started.set()
        await self._stop.wait()
        await self.listener.stop()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()
        self.journal.close()

    def texts(self, *, forget: bool = False) -> list[str]:
        """What was written since the last call."""
        found: list[str] = []
        while True:
            records, cursor = self.source.read()
            if records.is_empty():
                return found
            found += records["text"].to_list()
            if forget:
                self.source.acknowledge(cursor)

    def until(self, enough: Callable[[list[str]], bool], *, forget: bool = False) -> list[str]:
        found: list[str] = []
        end = time.monotonic() + 20
        while time.monotonic() < end and not enough(found):
            found += self.texts(forget=forget)
            time.sleep(0.02)
        return found

    def dropped(self, reason: str) -> float:
        return self.metrics.registry.get_sample_value("isang_records_dropped_total", {"reason": reason}) or 0.0


@contextmanager
def listening(folder: Path, journal_bytes: int = 64 << 20) -> Iterator[Listening]:
    one = Listening(folder, journal_bytes)
    try:
        yield one
    finally:
        one.stop()


@pytest.mark.skipif(shutil.which("logger") is None, reason="logger of util-linux is not installed")
def test_logger_sends_by_udp_and_tcp_in_both_formats_and_framings(tmp_path: Path) -> None:
    with listening(tmp_path) as service:
        sent = []
        for number, options in enumerate(
            [["-d", "--rfc3164"], ["-d", "--rfc5424"], ["-T", "--rfc3164"], ["-T", "--rfc5424", "--octet-count"]]
        ):
            sent.append(f"payment {number} of 12,000 원 failed")
            command = ["logger", "-n", "127.0.0.1", "-P", str(service.port), "-t", "shop", "-p", "local3.err", *options]
            subprocess.run([*command, sent[-1]], check=True, timeout=20)
        assert sorted(service.until(lambda found: len(found) >= 4)) == sent
        service.source.resume({"segment": 1, "offset": 0, "lines": {}})
        records = service.source.read()[0]
        assert set(records["level"]) == {"ERROR"}
        assert {source.rpartition("/")[2] for source in records["source"]} == {"shop"}


RSYSLOG = """
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{socket}" CreatePath="on" RateLimit.Interval="0")
$WorkDirectory {folder}
action(type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="{framing}" template="{template}")
"""


@pytest.mark.skipif(shutil.which("rsyslogd") is None, reason="rsyslog is not installed")
@pytest.mark.parametrize(
    ("framing", "template"),
    [("traditional", "RSYSLOG_TraditionalForwardFormat"), ("octet-counted", "RSYSLOG_SyslogProtocol23Format")],
)
def test_rsyslog_forwards_by_tcp(tmp_path: Path, framing: str, template: str) -> None:
    path = tmp_path / "log.sock"
    with listening(tmp_path) as service:
        configuration = tmp_path / "rsyslog.conf"
        configuration.write_text(
            RSYSLOG.format(socket=path, folder=tmp_path, port=service.port, framing=framing, template=template)
        )
        command = ["rsyslogd", "-n", "-f", str(configuration), "-i", str(tmp_path / "pid")]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as rsyslog:
            try:
                end = time.monotonic() + 20
                while not path.exists() and time.monotonic() < end:
                    time.sleep(0.05)
                for number in range(5):
                    line = f"order {number} took {number * 7} ms"
                    subprocess.run(["logger", "-u", str(path), "-t", "orders", line], check=True, timeout=20)
                expected = [f"order {number} took {number * 7} ms" for number in range(5)]
                found = service.until(lambda found: set(expected) <= set(found))
            finally:
                rsyslog.terminate()
        assert [text for text in found if text.startswith("order ")] == expected


def test_a_stream_waits_while_the_journal_is_full_and_loses_nothing(tmp_path: Path) -> None:
    """The sender cannot send more than the sockets hold; when what was judged is gone, all the rest comes."""
    line, chance = b"<13>Oct 11 22:14:15 host app: message %06d %s\n", random.Random(0)
    count = 12_000
    with listening(tmp_path, journal_bytes=1 << 20) as service, socket.socket() as client:
        client.connect(("127.0.0.1", service.port))
        sent = threading.Event()

        def send() -> None:
            for number in range(count):
                client.sendall(line % (number, chance.randbytes(500).hex().encode()))
            client.shutdown(socket.SHUT_WR)
            sent.set()

        threading.Thread(target=send, daemon=True).start()
        assert not sent.wait(0.7)  # 12 MB do not fit
        found = service.until(lambda found: len(found) >= count, forget=True)
        assert [int(text.split()[1]) for text in found] == list(range(count))
        assert sent.is_set()


def test_datagrams_without_room_are_counted(tmp_path: Path) -> None:
    line = b"<13>Oct 11 22:14:15 host app: message %06d " + random.Random(0).randbytes(15_000).hex().encode()
    count = 1500
    with listening(tmp_path, journal_bytes=4 << 20) as service, socket.socket(type=socket.SOCK_DGRAM) as client:
        for number in range(count):
            client.sendto(line % number, ("127.0.0.1", service.port))
            if number % 100 == 99:
                time.sleep(0.02)
        found: list[str] = []
        end = time.monotonic() + 20

        def lost() -> float:
            return service.dropped("syslog_udp_full") + service.dropped("syslog_udp_system")

        while len(set(found) - {"last"}) + lost() < count and time.monotonic() < end:
            found += service.texts(forget=True)
            client.sendto(b"<13>Oct 11 22:14:15 host app: last", ("127.0.0.1", service.port))
            time.sleep(0.1)
        messages = [text for text in found if text != "last"]
        assert lost() > 0
        assert len(set(messages)) == len(messages)
        assert count <= len(messages) + lost() <= count + len(found)  # some of the last may be lost too


def test_a_broken_stream_is_hung_up_and_counted(tmp_path: Path) -> None:
    with listening(tmp_path) as service, socket.create_connection(("127.0.0.1", service.port), timeout=10) as client:
        client.sendall(b"<13>Oct 11 22:14:15 host app: fine\n99999999 <13>endless")
        assert client.recv(1) == b""
        assert service.until(lambda found: bool(found)) == ["fine"]
        assert service.dropped("syslog_framing") == 1


def test_who_may_send_syslog_is_named() -> None:
    with pytest.raises(UsageError, match="--syslog-from NETWORK"):
        ServiceSettings(syslog=("0.0.0.0", 5514))
    with pytest.raises(UsageError, match="must be a network"):
        ServiceSettings(syslog=("0.0.0.0", 5514), syslog_from=("everyone",))
    assert ServiceSettings(syslog=("0.0.0.0", 5514), syslog_from=("10.0.0.0/8",)).syslog


def test_an_address_that_is_taken_is_said(tmp_path: Path) -> None:
    with listening(tmp_path) as service, pytest.raises(UsageError, match="set another --syslog"):
        SyslogListener("127.0.0.1", service.port, service.acceptance, [])
