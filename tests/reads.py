"""How many bytes of which files Python reads."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch


@contextmanager
def counted_reads() -> Iterator[Counter[str]]:
    """Bytes that are read meanwhile through Python's files, by the files' names."""
    read: Counter[str] = Counter()
    plain_open = io.open

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int | None:
            size = super().readinto(buffer)
            read[self.given] += size or 0
            return size

        def readall(self) -> bytes:
            content = super().readall()
            read[self.given] += len(content)
            return content

        given = ""

    def counting_open(file: Any, mode: str = "r", *more: Any, **named: Any) -> Any:
        if mode != "rb":
            return plain_open(file, mode, *more, **named)
        raw = Counted(file, "r")
        raw.given = Path(f"/proc/self/fd/{raw.fileno()}").readlink().name
        return io.BufferedReader(raw)

    with patch("io.open", counting_open):
        yield read
