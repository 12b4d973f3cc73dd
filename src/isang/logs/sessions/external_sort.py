"""More rows than memory should hold, in order: sorted runs in a temporary file, merged block by block."""

import io
import tempfile
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import polars as pl

from isang.files import saying_where

RUN_BYTES = 32 << 20
"""Rows of about this size are sorted at a time; fewer never see the disk."""
_BLOCK_BYTES = 128 << 10
"""Rows of about this size are read of a run at a time, at least."""
_DISK_SHARE = 4
"""How much less room rows take on the disk, about."""


class BlockFile:
    """Tables in a temporary file without a name, so that nothing is left of it however the process ends."""

    def __init__(self, directory: Path | None) -> None:
        """`directory`: the folder of the file; None: the system's temporary folder."""
        self._directory = directory or Path(tempfile.gettempdir())
        self._file: IO[bytes] | None = None  # opened when something is written

    def append(self, block: pl.DataFrame) -> int:
        """Append a table and return its size in bytes. Raises OutputError if there is no space."""
        buffer = io.BytesIO()
        block.write_ipc_stream(buffer, compression="lz4")
        with saying_where(self._directory):
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._directory, prefix="isang-")  # noqa: SIM115 - closed below
            self._file.seek(0, io.SEEK_END)
            return self._file.write(buffer.getbuffer())

    def read(self, start: int, sizes: Sequence[int]) -> pl.DataFrame:
        """The consecutive tables of these sizes from byte `start` on, as one table."""
        assert self._file is not None, "something was written"
        self._file.seek(start)
        return pl.concat([pl.read_ipc_stream(io.BytesIO(self._file.read(size))) for size in sizes])

    def close(self) -> None:
        """Give the room on the disk back."""
        if self._file is not None:
            self._file.close()


class Passed:
    """Keeps some columns of passing tables until they are needed again, as a context manager.

    Data beyond RUN_BYTES are stored on disk.
    """

    def __init__(self, schema: pl.Schema, directory: Path | None) -> None:
        self._schema = schema
        self._blocks, self._sizes = BlockFile(directory), list[int]()
        self._held: list[pl.DataFrame] = []
        self._held_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks.close()

    def passing(self, tables: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The tables."""
        for table in tables:
            self._held.append(table.select(self._schema.names()).cast(self._schema))
            self._held_bytes += int(self._held[-1].estimated_size())
            if self._held_bytes > RUN_BYTES:
                self._sizes += map(self._blocks.append, self._held)
                self._held, self._held_bytes = [], 0
            yield table

    def again(self) -> Iterator[pl.DataFrame]:
        """Their columns of the schema, table by table."""
        start = 0
        for size in self._sizes:
            yield self._blocks.read(start, [size])
            start += size
        yield from self._held


class SortedRows:
    """Sorts rows by the columns `by`, whatever order they are added in, as a context manager.

    `by` must be a total order without nulls; then the result does not depend on the order of insertion. The first of
    these columns must be numeric.
    """

    def __init__(self, by: Sequence[str], directory: Path | None, *, run_bytes: int = RUN_BYTES) -> None:
        self._by = list(by)
        self._run_bytes = run_bytes
        self._blocks = BlockFile(directory)
        self._waiting: list[pl.DataFrame] = []
        self._waiting_bytes = 0
        self._runs: list[_SortedRun] = []
        self._end = 0  # of the file
        self._pool = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self.height = 0
        """Rows that went in."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._until_written()
        finally:
            self._pool.shutdown()
            self._blocks.close()

    def add(self, rows: pl.DataFrame) -> None:
        """Take rows in; a run of them is sorted and written while further rows come."""
        self.height += rows.height
        self._waiting.append(rows)
        self._waiting_bytes += int(rows.estimated_size())
        if self._waiting_bytes >= self._run_bytes:
            self._until_written()
            self._writing = self._pool.submit(self._write_run, self._take_waiting())

    def batches(self) -> Iterator[pl.DataFrame]:
        """All rows in their order, once; no batch is empty."""
        self._until_written()
        rest = self._take_waiting()
        if not self._runs:
            if any(rows.height for rows in rest):
                yield _in_order(pl.concat(rest, rechunk=True), self._by)
            return
        self._write_run(rest)
        share = self._run_bytes // _DISK_SHARE // len(self._runs)
        open_runs = self._runs
        while open_runs:
            for run in open_runs:
                run.fill(self._blocks, share)
            # Rows behind the last that is known of a run have to wait for what that run still holds.
            bound = min((run.last for run in open_runs if run.sizes), default=None)
            yield _in_order(pl.concat([run.take(bound) for run in open_runs], rechunk=True), self._by)
            open_runs = [run for run in open_runs if run.sizes or run.head.height]

    def _until_written(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _take_waiting(self) -> list[pl.DataFrame]:
        rows, self._waiting, self._waiting_bytes = self._waiting, [], 0
        return rows

    def _write_run(self, run: list[pl.DataFrame]) -> None:
        if not any(rows.height for rows in run):
            return
        rows = _in_order(pl.concat(run, rechunk=True), self._by)
        each = max(1, rows.height * _BLOCK_BYTES // max(1, int(rows.estimated_size())))
        sizes = deque(self._blocks.append(block) for block in rows.iter_slices(each))
        self._runs.append(_SortedRun(self._by, self._end, sizes, rows.clear()))
        self._end += sum(sizes)


class _SortedRun:
    """Sorted rows of which the beginning is in memory."""

    def __init__(self, by: list[str], start: int, sizes: deque[int], head: pl.DataFrame) -> None:
        self._by = by
        self._start = start
        self.sizes = sizes
        """Of the blocks that are still on the disk."""
        self.head = head
        self.last: tuple[Any, ...] = ()
        """The place of the head's last row in the order."""

    def fill(self, blocks: BlockFile, share: int) -> None:
        """Read the next blocks, about `share` bytes of them, where no row is in memory."""
        if self.head.height or not self.sizes:
            return
        taken = [self.sizes.popleft()]
        while self.sizes and sum(taken) + self.sizes[0] <= share:
            taken.append(self.sizes.popleft())
        self.head = blocks.read(self._start, taken)
        self.last = self.head.select(self._by).row(-1)
        self._start += sum(taken)

    def take(self, bound: tuple[Any, ...] | None) -> pl.DataFrame:
        """The rows up to `bound`, the bound included, which then are no longer in the head; all where it is None."""
        if bound is None or (self.head.height and self.last <= bound):
            taken, self.head = self.head, self.head.clear()
            return taken
        places = self.head.select(self._by)
        number = bisect_right(range(places.height), bound, key=places.row)
        taken, self.head = self.head.head(number), self.head.slice(number)
        return taken


def _in_order(rows: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """`rows` sorted by the columns `by`.

    Lines of a log mostly come in the order of their time, and then one stable sort by the first column, which holds
    numbers, is enough; it takes a quarter of the time.
    """
    sorted_by_first = rows.sort(by[0], maintain_order=True)
    in_order = pl.lit(True)
    for column in reversed(by):
        before, value = pl.col(column).shift(1), pl.col(column)
        in_order = (before < value) | ((before == value) & in_order)
    return sorted_by_first if sorted_by_first.select(in_order.all()).item() else rows.sort(by)
