"""Records that a program puts in itself, as a source."""

from typing import Any

import polars as pl

from isang.logs.stream.record import Record, frame_of


class PushedRecords:
    """A RecordSource in memory; records are dropped once read, so it cannot be resumed."""

    behind = False

    def __init__(self) -> None:
        self._waiting: list[Record] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, record: Record) -> None:
        """The next `read` gives it."""
        self._waiting.append(record)

    def resume(self, cursor: Any) -> None:
        """There is nothing to go back to."""

    def read(self) -> tuple[pl.DataFrame, Any]:
        """What was pushed since the last call."""
        came, self._waiting = self._waiting, []
        return frame_of(came), None

    def acknowledge(self, cursor: Any) -> None:
        """There is nothing to go back to."""
