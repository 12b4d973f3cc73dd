"""Tables in a file by label, for tasks whose results do not fit into a message.

A file appears complete or not at all, and writing it again gives the same content: a task may be retried while an
attempt that was considered lost is still running.
"""

import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from isang.files import saying_where

_INDEX_SCHEMA = pl.Schema({"label": pl.Int64(), "offset": pl.Int64(), "size": pl.Int64()})


class BlockWriter:
    """Writes a file of tables, as a context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}")
        self._index: list[tuple[int, int, int]] = []

    def __enter__(self) -> Self:
        with saying_where(self._path):
            self._file = self._beside.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with saying_where(self._path):
                    index = _packed(pl.DataFrame(self._index, schema=_INDEX_SCHEMA, orient="row"))
                    self._file.write(index + len(index).to_bytes(8, "little"))
                    self._file.close()
                    self._beside.replace(self._path)
        finally:
            self._file.close()
            self._beside.unlink(missing_ok=True)

    def append(self, label: int, table: pl.DataFrame) -> None:
        """Append a table. Raises OutputError if there is no space."""
        block = _packed(table)
        self._index.append((label, self.bytes, len(block)))
        with saying_where(self._path):
            self._file.write(block)

    @property
    def bytes(self) -> int:
        """Bytes written so far."""
        return sum(self._index[-1][1:]) if self._index else 0


def blocks(path: Path, label: int) -> Iterator[pl.DataFrame]:
    """The tables with this label, in the order of writing."""
    with path.open("rb") as file:
        file.seek(-8, io.SEEK_END)
        size = int.from_bytes(file.read(8), "little")
        file.seek(-8 - size, io.SEEK_END)
        index = pl.read_ipc_stream(io.BytesIO(file.read(size)))
        for _, offset, length in index.filter(pl.col("label") == label).iter_rows():
            file.seek(offset)
            yield pl.read_ipc_stream(io.BytesIO(file.read(length)))


def _packed(table: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.write_ipc_stream(buffer, compression="lz4")
    return buffer.getvalue()
