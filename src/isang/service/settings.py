"""The settings of the service, checked once at start."""

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from isang.config import LifecycleConfig
from isang.errors import UsageError

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9a-fA-F:.]+)\]|(?P<host>[^\[\]:]+)):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of `isang serve`."""

    home: Path = Path("isang-home")
    """The folder with everything that the service stores."""
    host: str = "127.0.0.1"
    port: int = 8765
    """0: any free port."""
    model: Path | None = None
    """A model or run folder; None: the latest in the home folder, or one learned from incoming records."""
    logs: tuple[str, ...] = ()
    """Files and folders to follow."""
    syslog: tuple[str, int] | None = None
    """Host and port for syslog, by UDP and TCP."""
    syslog_from: tuple[str, ...] = ()
    """Networks allowed to send syslog, such as 10.0.0.0/8; this machine always is."""
    otlp_grpc: tuple[str, int] | None = None
    """Host and port for OTLP over gRPC."""
    kafka: str | None = None
    """Kafka brokers, such as 127.0.0.1:9092; several separated by commas."""
    kafka_topics: tuple[str, ...] = ()
    kafka_group: str = "isang"
    token: str | None = field(default=None, repr=False)
    """Token for reading and sending; without one only this machine may."""
    read_token: str | None = field(default=None, repr=False)
    """Token for reading only."""
    proxy: str | None = None
    """Address of the reverse proxy that authenticates users, instead of a token."""
    alertmanager: str | None = None
    """Address of an Alertmanager, such as http://127.0.0.1:9093."""
    webhook: str | None = None
    """Address to which incidents are sent."""
    webhook_secret: str | None = field(default=None, repr=False)
    redact: bool = True
    """Secrets are replaced before anything is written."""
    stdout: bool = False
    """Print each change of an incident as a JSON line."""
    idle_seconds: float | None = None
    """Silence after which a session with a key ends; None: taken from the model."""
    alerts_per_thousand: float | None = None
    lifecycle: LifecycleConfig = field(default_factory=LifecycleConfig)
    """From `isang.toml` in the home folder."""
    journal_bytes: int = 512 << 20
    """Maximum space for accepted records that are not judged yet."""
    memory_bytes: int = 2 << 30
    """Approximate memory limit of the process: see judging/shedding.py."""
    body_bytes: int = 16 << 20
    """Maximum size of a request body as sent."""
    plain_bytes: int = 64 << 20
    """Maximum size of a request body when decompressed."""
    body_seconds: float = 30.0
    """Time limit for receiving a request body."""
    connections: int = 1000
    learning_sessions: int = 2000
    """Without a model, one is trained after about this many sessions."""
    learning_bytes: int = 1 << 30
    """Maximum space for records collected for learning."""

    def __post_init__(self) -> None:
        if self.token is not None and len(self.token) < 8:
            raise UsageError("ISANG_TOKEN must have 8 characters or more, or be unset")
        for name in ("alertmanager", "webhook"):
            url = getattr(self, name)
            if url is not None and not _is_web_address(url):
                raise UsageError(f"--{name} must be an address such as http://127.0.0.1:9093, got {url!r}")
        _check_networks(self.syslog_from)
        if self.syslog is not None and not _is_loopback(self.syslog[0]) and not self.syslog_from:
            raise UsageError(
                f"listening for syslog on {self.syslog[0]} lets others in, and syslog knows no tokens; name who may "
                "send with --syslog-from NETWORK, such as 10.0.0.0/8; or listen on 127.0.0.1"
            )
        if self.otlp_grpc is not None and not _is_loopback(self.otlp_grpc[0]) and not self.token:
            raise UsageError(
                f"listening for OTLP on {self.otlp_grpc[0]} lets others in; set ISANG_TOKEN (8 characters or more) for "
                "them to name, or listen on 127.0.0.1"
            )
        if (self.kafka is None) != (not self.kafka_topics):
            raise UsageError("--kafka and --kafka-topic go together: brokers such as 127.0.0.1:9092, and what to read")
        if not (self.is_local or self.token or self.proxy):
            raise UsageError(
                f"listening on {self.host} lets others in; set ISANG_TOKEN (8 characters or more) for them to name, or "
                "--behind ADDRESS of a reverse proxy that checks who they are; or listen on 127.0.0.1"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the service."""
        return _is_loopback(self.host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:  # such as a bracket that is not closed
        return False


def _check_networks(given: Sequence[str]) -> None:
    for network in given:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise UsageError(f"--syslog-from must be a network such as 10.0.0.0/8, got {network!r}") from None


def address(given: str, option: str = "--listen", example: str = "127.0.0.1:8765") -> tuple[str, int]:
    """(host, port) of HOST:PORT. Raises UsageError."""
    match = _ADDRESS.fullmatch(given)
    if match is None or int(match["port"]) > 65535:
        raise UsageError(f"{option} must be HOST:PORT such as {example}, got {given!r}")
    return match["six"] or match["host"], int(match["port"])


def tokens(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """The secrets from the environment, since a command line is visible to others."""
    names = {"token": "ISANG_TOKEN", "read_token": "ISANG_READ_TOKEN", "webhook_secret": "ISANG_WEBHOOK_SECRET"}
    return {name: environment.get(variable) or None for name, variable in names.items()}
