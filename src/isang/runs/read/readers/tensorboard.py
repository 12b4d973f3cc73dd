"""TensorBoard event files, without TensorFlow: every scalar of every tag.

An event file is a sequence of TFRecords: length (8 bytes), masked CRC-32C of it, data, masked CRC-32C of the data. The
records of a run are repetitive: those of equal length with fields at the same offsets are checked and read together.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isang.errors import InputError
from isang.runs.read.columns import Column
from isang.runs.read.content import BLOCK_BYTES, opened
from isang.runs.read.lines.event_bytes import checksum, checksums, layout_of
from isang.runs.read.readers.reader import CERTAIN, Reader
from isang.runs.read.rows import Account, LoggedRows, assumed, display_name
from isang.runs.read.table import Floats, Integers

name = "tensorboard events"
MAX_RECORD_BYTES = 64 << 20
"""A record that claims more is damage."""
CHECKED_BYTES = 4096
"""Records up to this size are checked and read; scalars take tens of bytes, longer ones are images and graphs."""
MOST_LAYOUTS = 64
"""Layouts tried for the records of one length; those that fit none are read one by one."""

Bytes = NDArray[np.uint8]


@dataclass
class _Scalars:
    """The scalars read so far, by tag."""

    order: dict[str, list[Integers]] = field(default_factory=dict)
    step: dict[str, list[Integers]] = field(default_factory=dict)
    time: dict[str, list[Floats]] = field(default_factory=dict)
    value: dict[str, list[Floats]] = field(default_factory=dict)

    def add(self, tag: str, order: Integers, step: Integers, time: Floats, value: Floats) -> None:
        self.order.setdefault(tag, []).append(order)
        self.step.setdefault(tag, []).append(step)
        self.time.setdefault(tag, []).append(time)
        self.value.setdefault(tag, []).append(value)


def sure(head: bytes, path: Path) -> float:
    """The first record's length carries the right checksum."""
    right = len(head) >= 12 and struct.unpack_from("<I", head, 8)[0] == checksum(head[:8])
    return CERTAIN if right else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The run in the event file. A record that was cut off at the end of the file counts as failed."""
    account = Account(path.name, name, notes=[assumed("each record counts as a line", "기록 하나를 한 줄로 셉니다")])
    scalars = _Scalars()
    for block, starts, lengths in _blocks(path, account):
        for length in np.unique(lengths):
            which = np.flatnonzero(lengths == length)
            if length > CHECKED_BYTES:
                account.ignore("images, graphs and other long records", len(which))
                continue
            _read_group(block, starts[which], int(length), account.lines + which, scalars, account)
        account.lines += len(lengths)
    if not scalars.step:
        raise InputError(f"{path} is a TensorBoard event file without scalars")
    yield _records(scalars, account, path)


def _blocks(path: Path, account: Account) -> Iterator[tuple[Bytes, Integers, Integers]]:
    """Blocks of the file with the places and lengths of the whole records in them."""
    rest = b""
    with opened(path) as stream:
        while True:
            more = stream.read(BLOCK_BYTES)
            account.size_bytes += len(more)
            buffer = rest + more
            starts, lengths, end, damaged = _record_places(buffer)
            if starts:
                yield np.frombuffer(buffer, dtype=np.uint8), np.array(starts), np.array(lengths)
            if damaged:
                _fail(
                    account,
                    f"a damaged record after {account.size_bytes - len(buffer) + end:,} bytes; the rest was not read",
                )
                return
            rest = buffer[end:]
            if not more:
                if rest:
                    _fail(account, "a record that was cut off at the end of the file")
                return


def _fail(account: Account, why: str) -> None:
    account.fail(why)
    account.lines += 1


def _record_places(buffer: bytes) -> tuple[list[int], list[int], int, bool]:
    """Starts and lengths of the data of whole records, where the rest begins, and whether that rest is damaged."""
    starts: list[int] = []
    lengths: list[int] = []
    known: dict[int, int] = {}
    at, size = 0, len(buffer)
    unpack = struct.Struct("<QI").unpack_from
    while at + 12 <= size:
        length, check = unpack(buffer, at)
        expected = known.get(length)
        if expected is None:
            expected = known[length] = checksum(buffer[at : at + 8])
        if check != expected or length > MAX_RECORD_BYTES:
            return starts, lengths, at, True
        if at + 16 + length > size:
            break
        starts.append(at + 12)
        lengths.append(length)
        at += 16 + length
    return starts, lengths, at, False


def _read_group(
    block: Bytes, starts: Integers, length: int, order: Integers, scalars: _Scalars, account: Account
) -> None:
    """Check and read all records of one length."""
    data = block[starts[:, None] + np.arange(length + 4)]
    stated = np.ascontiguousarray(data[:, length:]).view("<u4")[:, 0]
    good = checksums(data[:, :length]) == stated
    for _ in range(int((~good).sum())):
        account.fail("a record with a wrong checksum")
    data, order = data[good, :length], order[good]
    for _ in range(MOST_LAYOUTS):
        if not len(data):
            return
        layout = layout_of(data[0].tobytes())
        fits = layout.fits(data)
        if not layout.values:
            account.ignore("records without scalars", int(fits.sum()))
        for tag, place, kind in layout.values:
            values = np.ascontiguousarray(data[fits, place : place + int(kind[2:])]).view(kind)[:, 0]
            scalars.add(tag, order[fits], layout.steps(data[fits]), layout.times(data[fits]), values.astype(np.float64))
        data, order = data[~fits], order[~fits]
    account.ignore("records of too many layouts", len(data))


def _records(scalars: _Scalars, account: Account, path: Path) -> LoggedRows:
    """One row per record, in the order of the file; a record may hold several scalars."""
    every = np.concatenate([part for parts in scalars.order.values() for part in parts])
    rows_of, place = np.unique(every, return_inverse=True)
    step, time = np.full(len(rows_of), np.nan), np.full(len(rows_of), np.nan)
    columns: dict[str, Column] = {}
    present: dict[str, Integers] = {}
    start = 0
    for tag in scalars.step:
        values = np.concatenate(scalars.value[tag])
        rows = place[start : start + len(values)]
        start += len(values)
        step[rows], time[rows] = np.concatenate(scalars.step[tag]), np.concatenate(scalars.time[tag])
        if tag not in ("step", "wall_time"):
            column = np.full(len(rows_of), np.nan)
            column[rows] = values
            columns[tag] = Column(column)
        missing = np.sort(rows[np.isnan(values)])
        if len(missing):
            present[tag] = missing
    columns = {"step": Column(step), "wall_time": Column(time), **columns}
    return LoggedRows(account, columns, len(rows_of), present, name=display_name(path))


READER = Reader(name, sure, read)
