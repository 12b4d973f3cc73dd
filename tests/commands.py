"""The command line for tests: in this process, and in one of its own where the process is the point."""

import io
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import IO

import pytest

from isang import cli


@dataclass(frozen=True)
class Result:
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    returncode: int


def isang(*arguments: object, stdin: IO[str] | None = None) -> Result:
    """Run the command line in this process, which takes a tenth of the time; no input may make a traceback.

    What it reads is `stdin`, or nothing.
    """
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
