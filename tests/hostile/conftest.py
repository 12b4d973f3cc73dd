"""A run over a log whose lines, names and labels steer terminals and hide text."""

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from isang import cli
from tests.synthetic import shop_dataset, shop_labels, shop_log

HOSTILE = "\x1b]0;pwn\x07\x1b[2J\x9b31m\u202egnp\u2066\u200b\x7f\x00\x08\ufeff\U000e0041<script>alert(1)</script>"
NAME = "shop\x1b[31m\u202e\x9b\nisang: all is well.log"
SETTINGS = """
[model]
preset = "tiny"
[training]
min_steps = 20
epochs = 1
learning_rate = 3e-3
"""


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    returncode: int


def isang(*arguments: object, stdin: IO[str] | None = None) -> Result:
    """Run the command line in this process, which takes a tenth of the time; no input may make a traceback."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2)]
    with pytest.MonkeyPatch.context() as patched, redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        patched.setattr(sys, "argv", ["isang", *map(str, arguments)])
        patched.setattr(sys, "stdin", stdin or io.TextIOWrapper(io.BytesIO()))
        patched.setenv("ISANG_TRACEBACK", "1")
        try:
            cli.main()
            code = 0
        except SystemExit as leave:
            code = int(leave.code or 0)
    said, told = (stream.buffer.getvalue().decode() for stream in streams)  # type: ignore[attr-defined]
    return Result(said, told, code)


def isang_alone(*arguments: object, limit: Callable[[], None] | None = None) -> Result:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "isang", *map(str, arguments)]
    result = subprocess.run(
        command, capture_output=True, text=True, check=False, preexec_fn=limit, stdin=subprocess.DEVNULL
    )
    assert "Traceback" not in result.stderr, result.stderr
    assert "internal error in isang" not in result.stderr, result.stderr
    return Result(result.stdout, result.stderr, result.returncode)


@dataclass(frozen=True)
class Place:
    """Where the run lies and what it said."""

    log: Path
    labels: Path
    settings: Path
    out: Path
    said: str


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """`isang run` over the hostile log of 160 sessions, tiny and short."""
    folder = tmp_path_factory.mktemp("hostile")
    dataset = shop_dataset(160, anomalous_every=10)
    made = Place(folder / NAME, folder / "labels.csv", folder / "isang.toml", folder / "out", "")
    text = shop_log(dataset).replace("disk failed", f"disk {HOSTILE} failed").replace("cache", f"cache {HOSTILE}")
    made.log.write_text(text, encoding="utf-8", newline="")
    labels = shop_labels(dataset).replace("label", "label,kind").replace("Anomaly", f"Anomaly,fault {HOSTILE}")
    made.labels.write_text(labels, encoding="utf-8", newline="")
    made.settings.write_text(SETTINGS)
    result = isang("run", made.log, "--labels", made.labels, "--out", made.out, "--config", made.settings)
    assert result.returncode == 0, result.stderr
    return Place(made.log, made.labels, made.settings, made.out, result.stdout + result.stderr)
