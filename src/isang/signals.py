"""Graceful shutdown on SIGINT and SIGTERM, and printing that a signal cannot cut off."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from isang.errors import Interrupted
from isang.formatting import printable


def tell(text: str) -> None:
    """Print all of `text` at once, as `printable` shows it; print() loses what a signal cuts off where PYTHONUNBUFFERED
    is set."""
    rest = memoryview(printable(text).encode(sys.stdout.encoding, "backslashreplace"))
    while rest:
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set instead of ending the process; then raises Interrupted at the end."""
    stop = threading.Event()
    came: list[int] = []

    def set_stop(number: int, frame: FrameType | None) -> None:
        came.append(number)
        stop.set()

    earlier = {number: signal.signal(number, set_stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
    if came:
        raise Interrupted(f"stopped by {signal.Signals(came[0]).name}", came[0])
