"""Accepted records on disk until they have been judged: nothing acknowledged to a sender can be lost.

The journal is a sequence of segments, files of frames. A frame is its length in bytes, their CRC-32 and an Arrow stream
of records (RECORDS_SCHEMA). One thread writes all waiting frames and calls fsync once for them (group commit).
"""

import fcntl
import io
import os
import queue
import struct
import threading
import zlib
from collections import Counter
from concurrent.futures import Future
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from isang.errors import InputError
from isang.logs.stream.record import RECORDS_SCHEMA
from isang.progress import say

SEGMENT_BYTES = 16 << 20
BATCH_RECORDS = 20_000
"""Approximate number of records per read."""
MOST_FRAME_BYTES = 256 << 20
_HEAD = struct.Struct("<II")


class JournalFull(Exception):
    """There is no room for more records until some have been judged."""


class TooLarge(Exception):
    """This many records at once can never fit; send fewer at a time."""


class RecordJournal:
    """The folder of segments; `max_bytes` limits what is not judged yet.

    Raises InputError for a folder that cannot be used, or that another process uses.
    """

    def __init__(self, folder: Path, *, max_bytes: int, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._folder, self._max_bytes, self._segment_bytes = folder, max_bytes, segment_bytes
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock_of_folder = _locked(folder)
            try:
                self._number, self._file = self._last_segment()
            except BaseException:
                os.close(self._lock_of_folder)
                raise
        except OSError as error:
            raise InputError(f"cannot use the journal {folder}: {error.strerror or error}") from error
        self._size = sum(self.path(number).stat().st_size for number in self.segments())
        self.committed = (self._number, self._file.tell())
        """Segment and offset up to which frames are synced to disk."""
        self.paused = False
        """Whether new records are refused although there is room on disk."""
        self._judged = (self._number, 0)  # segment and offset before which frames are no longer needed
        self.commits = 0
        """Number of fsync calls so far."""
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._queue: queue.Queue[tuple[bytes, Future[None]] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._thread.start()

    def _last_segment(self) -> tuple[int, BinaryIO]:
        """The last segment, without what was never acknowledged, open at its end."""
        segments = self.segments()
        unfit = [number for number in segments if not self.path(number).is_file()]
        if unfit:
            raise InputError(f"{self.path(unfit[0])} is no regular file; remove it, or name another --home")
        number = segments[-1] if segments else 1
        file = self.path(number).open("ab")
        _cut_unfinished(self.path(number))
        file.seek(0, os.SEEK_END)
        return number, file

    @property
    def size(self) -> int:
        """Size of accepted records that are not judged yet, in bytes."""
        return max(0, self._size + self._waiting_bytes - self._judged[1])

    @property
    def is_full(self) -> bool:
        """Whether there is no room left."""
        return self.paused or self.size >= self._max_bytes

    def path(self, number: int) -> Path:
        """The file of a segment."""
        return self._folder / f"{number:08d}.records"

    def segments(self) -> list[int]:
        """The numbers of all segments, ascending."""
        return sorted(
            int(path.stem) for path in self._folder.glob("*.records") if path.stem.isascii() and path.stem.isdigit()
        )

    def append(self, records: pl.DataFrame) -> "Future[None]":
        """Write records (RECORDS_SCHEMA); the future completes when they are on disk, or fails with the error.

        Raises JournalFull, and TooLarge for what would not even fit into an empty journal.
        """
        frame = _framed(records)
        if len(frame) > min(self._max_bytes, MOST_FRAME_BYTES):
            raise TooLarge
        with self._lock:
            if self.paused or self.size + len(frame) > self._max_bytes:
                raise JournalFull
            self._waiting_bytes += len(frame)
        done: Future[None] = Future()
        self._queue.put((frame, done))
        return done

    def forget(self, segment: int, offset: int) -> None:
        """Note that everything before this position is judged; earlier segments are removed."""
        for number in self.segments():
            if number < segment:
                path = self.path(number)
                with self._lock:
                    self._size -= path.stat().st_size
                    path.unlink()
                    self._judged = (segment, 0)
        with self._lock:
            self._judged = (segment, offset)

    def close(self) -> None:
        """Write pending frames, and stop."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()
        os.close(self._lock_of_folder)

    def _write_all(self) -> None:
        while True:
            item = self._queue.get()
            batch = [] if item is None else [item]
            while not self._queue.empty():
                more = self._queue.get()
                if more is None:
                    item = None
                else:
                    batch.append(more)
            if batch:
                self._commit(batch)
            if item is None:
                return

    def _commit(self, batch: list[tuple[bytes, "Future[None]"]]) -> None:
        size = sum(len(frame) for frame, _ in batch)
        error: OSError | None = None
        try:
            if self._file.tell() >= self._segment_bytes:
                self._file.close()
                self._number += 1
                self._file = self.path(self._number).open("ab")
                _flush_folder(self._folder)
            self._file.write(b"".join(frame for frame, _ in batch))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as failed:
            error = failed
            self._take_back()
        with self._lock:
            self._waiting_bytes -= size
            if error is None:
                self._size += size
                self.committed = (self._number, self._file.tell())
                self.commits += 1
        for _, done in batch:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def _take_back(self) -> None:
        """Truncate a partly written frame, so that the next one follows a complete one."""
        number, offset = self.committed
        end = offset if number == self._number else 0
        try:
            os.truncate(self.path(self._number), end)
            self._file = self.path(self._number).open("ab")
        except OSError as error:
            say(f"warning: the journal could not be cut back: {error.strerror or error}")


class JournalSource:
    """The records of a journal as a RecordSource; lines are numbered per stream from 1."""

    def __init__(self, journal: RecordJournal, batch_records: int = BATCH_RECORDS) -> None:
        self._journal, self._batch_records = journal, batch_records
        first = journal.segments()
        self._place = (first[0] if first else 1, 0)
        self._counts: Counter[str] = Counter()

    @property
    def behind(self) -> bool:
        """See RecordSource."""
        number, offset = self._place
        if self._place >= self._journal.committed:
            return False
        if offset < self._end_of(number)[1]:
            return True
        return any(self._end_of(other)[1] for other in self._journal.segments() if other > number)

    def resume(self, cursor: Any) -> None:
        """See RecordSource. Raises LookupError, TypeError or ValueError for an invalid cursor."""
        self._place = int(cursor["segment"]), int(cursor["offset"])
        self._counts = Counter({str(stream): int(count) for stream, count in cursor["lines"].items()})
        self._journal.forget(*self._place)

    def read(self) -> tuple[pl.DataFrame, Any]:
        """See RecordSource."""
        frames, rows = [], 0
        until = self._journal.committed
        while self._place < until and rows < self._batch_records:
            frame = self._next(until)
            if frame is None:
                break
            frames.append(frame)
            rows += frame.height
        records = pl.concat(frames) if frames else RECORDS_SCHEMA.to_frame()
        cursor = {"segment": self._place[0], "offset": self._place[1], "lines": dict(self._counts)}
        if records.height:
            records = self._numbered(records)
            cursor["lines"] = dict(self._counts)
        return records, cursor

    def acknowledge(self, cursor: Any) -> None:
        """See RecordSource: segments before the cursor are removed."""
        self._journal.forget(int(cursor["segment"]), int(cursor["offset"]))

    def _next(self, until: tuple[int, int]) -> pl.DataFrame | None:
        number, offset = self._place
        end = until[1] if number == until[0] else self._end_of(number)[1]
        if offset >= end:
            later = [other for other in self._journal.segments() if other > number]
            if not later:
                return None
            self._place = (later[0], 0)
            return self._next(until) if self._place < until else None
        with self._journal.path(number).open("rb") as file:
            file.seek(offset)
            frame = _frame(file, end)
        if frame is None:
            say(f"warning: the journal's segment {number} is damaged from byte {offset:,} on; the rest of it is lost")
            self._place = (number, end)
            return RECORDS_SCHEMA.to_frame()
        payload, behind = frame
        self._place = (number, behind)
        records = None if payload is None else _records(payload)
        if records is None:
            say(f"warning: the journal's segment {number} is damaged from byte {offset:,} to {behind:,}; they are lost")
        return RECORDS_SCHEMA.to_frame() if records is None else records

    def _end_of(self, number: int) -> tuple[int, int]:
        try:
            return number, self._journal.path(number).stat().st_size
        except FileNotFoundError:
            return number, 0

    def _numbered(self, records: pl.DataFrame) -> pl.DataFrame:
        sizes = records["stream"].value_counts()
        streams = sizes["stream"].to_list()
        before = pl.Series([self._counts[stream] for stream in streams], dtype=pl.Int64)
        own = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("stream")
        line = pl.col("stream").replace_strict(streams, before, return_dtype=pl.Int64) + own
        self._counts.update(dict(sizes.iter_rows()))
        return records.with_columns(line=pl.when(pl.col("line") > 0).then("line").otherwise(line))


def _locked(folder: Path) -> int:
    """A descriptor that holds the folder for this process; the system lets go of it however the process ends."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise InputError(f"another isang serve uses {folder.parent}; end it, or name another --home") from error
    return descriptor


def _framed(records: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    records.write_ipc_stream(buffer, compression="lz4")
    payload = buffer.getvalue()
    return _HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def _frame(file: BinaryIO, end: int) -> tuple[bytes | None, int] | None:
    """(the records of the frame that begins here, None if they are damaged; the position behind it).

    None where no frame can begin, or `end` comes before its own.
    """
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    length, check = _HEAD.unpack(head)
    if length > MOST_FRAME_BYTES or file.tell() + length > end:
        return None
    payload = file.read(length)
    return payload if zlib.crc32(payload) == check else None, file.tell()


def _records(payload: bytes) -> pl.DataFrame | None:
    try:
        return pl.read_ipc_stream(io.BytesIO(payload)).cast(RECORDS_SCHEMA)
    except (pl.exceptions.PolarsError, OSError, ValueError):
        return None


def _cut_unfinished(path: Path) -> None:
    """Truncate an unfinished frame that a killed process left at the end; it was never acknowledged."""
    size, good, damaged = path.stat().st_size, 0, False
    with path.open("rb") as file:
        while (frame := _frame(file, size)) is not None:
            payload, behind = frame
            good, damaged = (good, True) if payload is None else (behind, False)
    if damaged:
        say(f"warning: the journal's {path.name} is damaged from byte {good:,} on; what follows is lost")
    if good < size:
        os.truncate(path, good)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
