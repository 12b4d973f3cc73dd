"""A small model of a synthetic shop, and the service as a real process."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from isang.config import from_dict
from isang.stages import run
from tests.synthetic import shop_dataset, shop_log

SETTINGS = {
    "model": {"layers": 1, "width": 32, "heads": 2},
    "training": {"epochs": 2, "min_steps": 0, "batch_size": 32, "learning_rate": 0.01},
}


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `shop.log` and `out`, what `isang run` made of it."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "shop.log").write_text(shop_log(shop_dataset(800, anomalous_every=10)))
    run([folder / "shop.log"], folder / "out", config=from_dict(SETTINGS))
    return folder


class Process:
    """`isang serve` on a free port."""

    def __init__(self, home: Path, *arguments: object) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        listen = f"127.0.0.1:{self.port}"
        command = [
            sys.executable, "-m", "isang", "serve", *map(str, arguments), "--home", str(home), "--listen", listen,
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ISANG_")}
        self.errors = (home.parent / f"{home.name}.err").open("ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, env=environment)
        until = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < until:
            with contextlib.suppress(OSError):
                self.get("/healthz")
                return
            time.sleep(0.1)
        self.process.kill()
        self.process.communicate()
        self.errors.close()
        raise AssertionError(f"it did not start: {Path(self.errors.name).read_text()}")

    def get(self, path: str) -> Any:
        """The JSON document there."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=20) as answer:
            return json.loads(answer.read())

    def ingest(self, lines: str, source: str) -> bool:
        """Send lines: whether the service said that they are kept."""
        address = f"http://127.0.0.1:{self.port}/ingest?source={source}"
        request = urllib.request.Request(address, lines.encode(), {"Content-Type": "text/plain"})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def until(self, true: Callable[[dict[str, Any]], bool], seconds: float = 120) -> dict[str, Any]:
        """The status as soon as it is so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            status: dict[str, Any] = self.get("/api/v1/status")
            if true(status):
                return status
            time.sleep(0.2)
        raise AssertionError(f"it did not come to be: {status}; {Path(self.errors.name).read_text()}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait: the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        self.errors.close()
        return self.process.returncode


@pytest.fixture
def serving() -> Iterator[Callable[..., Process]]:
    """Starts services, which end with the test."""
    started: list[Process] = []

    def start(home: Path, *arguments: object) -> Process:
        started.append(Process(home, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.returncode is None:
            one.end(signal.SIGKILL)
