"""Starts the processes of one training run on this machine, and ends all of them when one dies."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from isang.errors import LostContact, UsageError
from isang.progress import say

POLL_SECONDS = 0.05
GRACE_SECONDS = 3.0
"""After one process has failed, the others get this long to end by themselves; then they are ended."""
SHOWN_LINES = 20
"""Maximum number of last lines shown from a failed process other than the first."""
LAUNCHER = "ISANG_LAUNCHER"
"""Environment variable of each process: the process id of its launcher."""
_PR_SET_PDEATHSIG = 1


def is_launched() -> bool:
    """Whether a launcher (this one, torchrun, accelerate) has started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def refuse_lone_process() -> None:
    """Raise if `accelerate launch` was asked for several processes and has started only this one.

    Without GPUs it leaves starting them to MPI. The only sign of it is a rendezvous address set for one process.
    """
    environment = os.environ
    if "ACCELERATE_MIXED_PRECISION" in environment and "MASTER_PORT" in environment and "WORLD_SIZE" not in environment:
        raise UsageError(
            "accelerate launch starts one process where there is no GPU, whatever --num_processes says; use "
            "`isang train --processes N`, `torchrun --nproc-per-node N -m isang train` or "
            "`accelerate launch --multi_gpu --num_processes N --module isang train`"
        )


def is_first() -> bool:
    """Whether this process is the one that prints for all."""
    return int(os.environ.get("RANK", "0")) == 0


def end_with_launcher() -> None:
    """Have this process signalled to stop when its launcher dies (on Linux; elsewhere it keeps training)."""
    if LAUNCHER in os.environ and sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != int(os.environ[LAUNCHER]):  # it has died already
            os.kill(os.getpid(), signal.SIGTERM)


def launch(processes: int, arguments: Sequence[str]) -> int:
    """Run `isang ARGUMENTS` in this many processes and return the exit code of the whole.

    Only the first process prints. SIGTERM and SIGINT are passed on.
    """
    if processes > (os.cpu_count() or 1) * 4:
        raise UsageError(f"--processes must be at most four for each of {os.cpu_count()} cores, got {processes}")
    port = _free_port()
    with tempfile.TemporaryFile("w+b") as messages:
        running = [_start(rank, processes, port, arguments, messages.fileno()) for rank in range(processes)]
        with _signals_passed_on(running):
            codes = _wait_for_all(running)
        to_blame = _to_blame(codes)
        if to_blame is None:
            return 0
        code = codes[to_blame]
        if code < 0:
            say(
                f"isang: process {to_blame + 1} of {processes} was ended by {signal.Signals(-code).name}, and the "
                f"others with it; repeat the command with --resume to go on from the last checkpoint"
            )
        elif to_blame > 0:
            messages.seek(0)
            lines = messages.read().decode("utf-8", "replace").splitlines()[-SHOWN_LINES:]
            for line in (f"isang: process {to_blame + 1} of {processes} failed, and the others were ended:", *lines):
                say(line)
        return code if code > 0 else 128 - code


def _start(rank: int, processes: int, port: int, arguments: Sequence[str], messages: int) -> subprocess.Popen[bytes]:
    environment = {
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // processes)),  # unless the user has set it
        **({"GLOO_SOCKET_IFNAME": "lo"} if sys.platform.startswith("linux") else {}),  # all on this machine
        **os.environ,
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), LAUNCHER: str(os.getpid()),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-m", "isang", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=None if rank == 0 else subprocess.DEVNULL,
        stderr=None if rank == 0 else messages,
        process_group=0,  # a Ctrl-C on the terminal reaches only the launcher, which passes it on once
    )


def _wait_for_all(running: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """The exit codes, negative for a signal; 0 also for processes stopped here because another one had failed."""
    deadline = None
    while any(process.poll() is None for process in running):
        if deadline is None and any(process.poll() for process in running):
            deadline = time.monotonic() + GRACE_SECONDS
        if deadline is not None and time.monotonic() > deadline:
            codes = [process.poll() for process in running]
            for process in running:
                process.kill()
                process.wait()
            return [code or 0 for code in codes]
        time.sleep(POLL_SECONDS)
    return [process.returncode for process in running]


def _to_blame(codes: Sequence[int]) -> int | None:
    """The process to blame: one ended by a signal, else one with an error of its own, else any that failed."""
    for failed in (
        [place for place, code in enumerate(codes) if code < 0],
        [place for place, code in enumerate(codes) if code not in (0, LostContact.exit_code)],
        [place for place, code in enumerate(codes) if code != 0],
    ):
        if failed:
            return failed[0]
    return None


@contextmanager
def _signals_passed_on(running: Sequence[subprocess.Popen[bytes]]) -> Iterator[None]:
    def pass_on(number: int, _: FrameType | None) -> None:
        for process in running:
            if process.poll() is None:
                process.send_signal(number)

    earlier = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
