"""Weights & Biases offline runs (`run-ID.wandb`), without the wandb package.

The file is a LevelDB log: blocks of 32 KiB, each a row of pieces with checksum, length and kind; pieces make records.
A record is a protobuf message; one that holds a history entry (field 2) is one call of `wandb.log`.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from isang.errors import InputError
from isang.runs.read.content import opened
from isang.runs.read.lines.event_bytes import fields_of, varint
from isang.runs.read.readers.jsonlines import COUNT_FACTS, numbers_of
from isang.runs.read.readers.reader import CERTAIN, Reader
from isang.runs.read.rows import Account, LoggedRows, Rows, assumed

name = "wandb offline run"
IDENTITY = b":W&B"
BLOCK, HEADER = 32_768, 7
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MAX_RECORD_BYTES = 16 << 20
"""Longer records are not history; they are counted and passed over."""
HISTORY, CONFIG, RUN = 2, 5, 17
"""Fields of a record."""


class Identity(NamedTuple):
    """Which run a file holds; empty texts where it does not say."""

    id: str = ""
    entity: str = ""
    project: str = ""
    tags: tuple[str, ...] = ()


def sure(head: bytes, path: Path) -> float:
    """The file's own mark."""
    return CERTAIN if head.startswith(IDENTITY) else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The run in the file. A damaged piece counts as failed; reading continues with the next block."""
    account = Account(path.name, name, notes=[assumed("each record counts as a line", "기록 하나를 한 줄로 셉니다")])
    rows = Rows()
    facts: dict[str, Any] = {}
    with opened(path) as stream:
        for record in _records(stream, account):
            account.lines += 1
            try:
                row = _read_record(record, facts)
            except ValueError:
                account.fail("a record that is no message")
                continue
            if row:
                rows.add(row)
            else:
                account.ignore("records without history")
    if not rows.count:
        raise InputError(f"{path} is an offline run without history: nothing was logged")
    yield rows.records(account, facts=facts, name=path.stem)


def identity_of(path: Path) -> Identity:
    """Which run the file holds, from its record of the run."""
    account = Account(path.name, name)
    with opened(path) as stream:
        for record in _records(stream, account):
            try:
                for number, wire, start, end in fields_of(record, 0, len(record)):
                    if (number, wire) == (RUN, 2):
                        return _identity(record, start, end)
            except ValueError:
                continue
    return Identity()


def _identity(record: bytes, start: int, end: int) -> Identity:
    """Fields of RunRecord: run_id (1), entity (2), project (3), tags (10)."""
    said: dict[int, list[str]] = {}
    for number, wire, a, b in fields_of(record, start, end):
        if wire == 2 and number in (1, 2, 3, 10):
            said.setdefault(number, []).append(record[a:b].decode("utf-8", "replace"))
    last = {number: texts[-1] for number, texts in said.items()}
    return Identity(last.get(1, ""), last.get(2, ""), last.get(3, ""), tuple(said.get(10, ())))


def _records(stream: IO[bytes], account: Account) -> Iterator[bytes]:
    """The whole records, put together from their pieces."""
    pieces: list[bytes] = []
    size = 0
    for kind, data in _pieces(stream, account):
        if kind in (WHOLE, FIRST):
            pieces, size = [], 0
        elif not pieces:
            continue  # its beginning was damaged
        pieces.append(data)
        size += len(data)
        if size > MAX_RECORD_BYTES:
            account.lines += 1
            account.ignore("records that are too long")
            pieces, size = [], 0
        elif kind in (WHOLE, LAST):
            yield b"".join(pieces)
            pieces, size = [], 0


def _pieces(stream: IO[bytes], account: Account) -> Iterator[tuple[int, bytes]]:
    """Kind and data of each piece with a valid checksum."""
    at = HEADER  # the file's own header stands where a piece's would
    while block := _block(stream):
        account.size_bytes += len(block)
        while at + HEADER <= len(block):
            check, length, kind = struct.unpack_from("<IHB", block, at)
            data = block[at + HEADER : at + HEADER + length]
            if kind not in (WHOLE, FIRST, MIDDLE, LAST):
                if any(block[at:]):
                    _damaged(account, "a piece of an unknown kind; the rest of its block was passed over")
                break
            if len(data) < length or check != zlib.crc32(data, zlib.crc32(bytes([kind]))):
                _damaged(account, "a cut-off or damaged piece; the rest of its block was passed over")
                break
            yield kind, data
            at += HEADER + length
        at = 0


def _damaged(account: Account, why: str) -> None:
    account.lines += 1
    account.fail(why)


def _block(stream: IO[bytes]) -> bytes:
    pieces: list[bytes] = []
    wanted = BLOCK
    while wanted and (piece := stream.read(wanted)):
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(pieces)


def _read_record(record: bytes, facts: dict[str, Any]) -> dict[str, float]:
    """The numbers of a history entry, empty for other records; facts are taken from the configuration."""
    row: dict[str, Any] = {}
    for number, wire, start, end in fields_of(record, 0, len(record)):
        if (number, wire) == (HISTORY, 2):
            row.update(_items(record, start, end))
            for inner, kind, a, b in fields_of(record, start, end):
                if (inner, kind) == (2, 2):
                    row.setdefault("_step", _step(record, a, b))
        elif (number, wire) == (CONFIG, 2):
            _take_facts(_items(record, start, end), facts)
        elif (number, wire) == (RUN, 2):
            for inner, kind, a, b in fields_of(record, start, end):
                if (inner, kind) == (4, 2):
                    _take_facts(_items(record, a, b), facts)
    return numbers_of(row)


def _step(record: bytes, start: int, end: int) -> int:
    for number, wire, a, b in fields_of(record, start, end):
        if (number, wire) == (1, 0):
            return varint(record, a, b)[0]
    return 0


def _items(record: bytes, start: int, end: int) -> dict[str, Any]:
    """Names and values of the items (field 1; each with key 1, nested key 2, JSON text 16) of a message."""
    items: dict[str, Any] = {}
    for number, wire, a, b in fields_of(record, start, end):
        if (number, wire) != (1, 2):
            continue
        names, text = [], b""
        for inner, kind, c, d in fields_of(record, a, b):
            if inner in (1, 2) and kind == 2:
                names.append(record[c:d].decode("utf-8", "replace"))
            elif (inner, kind) == (16, 2):
                text = record[c:d]
        if names and len(text) < 4096:
            items["/".join(part for part in names if part)] = _value(text)
    return items


def _value(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _take_facts(items: dict[str, Any], facts: dict[str, Any]) -> None:
    for key, value in items.items():
        if isinstance(value, dict) and "value" in value:
            value = value["value"]
        fact = {**COUNT_FACTS, "epochs": "epochs", "num_train_epochs": "epochs"}.get(key)
        if fact and isinstance(value, int) and not isinstance(value, bool) and value > 0:
            facts.setdefault(fact, value)


READER = Reader(name, sure, read)
