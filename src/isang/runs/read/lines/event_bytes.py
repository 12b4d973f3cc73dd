"""The bytes of an `Event` message and the checksums of its record.

TensorFlow's event.proto and summary.proto: an Event has wall_time (1, double), step (2, varint) and summary (5); a
summary has values (1), each with a tag (1), a simple_value (2, float) or a tensor (8) with one number in tensor_content
(4), float_val (5) or double_val (6).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isang.runs.read.table import Floats, Integers

Bytes = NDArray[np.uint8]


def _crc_table() -> NDArray[np.uint32]:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1).astype(np.uint32)
    return table


_TABLE = _crc_table()
_TABLE_LIST: list[int] = _TABLE.tolist()


def checksum(data: bytes) -> int:
    """The masked CRC-32C (Castagnoli) of TFRecords."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE_LIST[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def checksums(rows: Bytes) -> NDArray[np.uint32]:
    """The same for each row of R equally long pieces, shape (R,)."""
    crc = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in np.ascontiguousarray(rows.T):
        crc = _TABLE[(crc ^ column) & np.uint32(0xFF)] ^ (crc >> np.uint32(8))
    crc = ~crc
    rotated = (crc >> np.uint32(15)) | (crc << np.uint32(17))
    masked: NDArray[np.uint32] = rotated + np.uint32(0xA282EAD8)
    return masked


@dataclass
class ScalarLayout:
    """Where the fields of an event lie; learned from one record."""

    template: bytes
    time_place: int | None = None
    step_place: tuple[int, int] | None = None
    """Start and number of bytes of the varint."""
    values: list[tuple[str, int, str]] = field(default_factory=list)
    """Tag, offset and NumPy type of each scalar."""

    def fits(self, data: Bytes) -> NDArray[np.bool_]:
        """Which of R records of this length have the same bytes everywhere outside the numbers."""
        fixed = np.ones(len(self.template), dtype=bool)
        same = np.ones(len(data), dtype=bool)
        if self.time_place is not None:
            fixed[self.time_place : self.time_place + 8] = False
        for _, place, kind in self.values:
            fixed[place : place + int(kind[2:])] = False
        if self.step_place is not None:
            start, size = self.step_place
            fixed[start : start + size] = False
            more = data[:, start : start + size] >= 128
            same &= (more[:, :-1].all(axis=1)) & ~more[:, -1]
        expected = np.frombuffer(self.template, dtype=np.uint8)
        if not self.values:  # nothing to read: one record at a time is enough to know it
            fixed[:] = True
        same &= (data[:, fixed] == expected[fixed]).all(axis=1)
        same[0] = True
        return same

    def steps(self, data: Bytes) -> Integers:
        """Shape (R,)."""
        if self.step_place is None:
            return np.zeros(len(data), dtype=np.int64)
        start, size = self.step_place
        result = np.zeros(len(data), dtype=np.uint64)
        for index in range(size):
            result |= (data[:, start + index].astype(np.uint64) & np.uint64(127)) << np.uint64(7 * index)
        return result.astype(np.int64)

    def times(self, data: Bytes) -> Floats:
        """Seconds since 1970, shape (R,)."""
        if self.time_place is None:
            return np.full(len(data), np.nan)
        return np.ascontiguousarray(data[:, self.time_place : self.time_place + 8]).view("<f8")[:, 0]


def layout_of(record: bytes) -> ScalarLayout:
    """The positions of the fields of this event. Bytes that are not such a message give a layout without values."""
    layout = ScalarLayout(record)
    try:
        for number, kind, start, end in fields_of(record, 0, len(record)):
            if (number, kind) == (1, 1):
                layout.time_place = start
            elif (number, kind) == (2, 0):
                layout.step_place = (start, end - start)
            elif (number, kind) == (5, 2):
                for inner, inner_kind, a, b in fields_of(record, start, end):
                    if (inner, inner_kind) == (1, 2):
                        _scalar(record, a, b, layout)
    except ValueError:
        return ScalarLayout(record)
    return layout


def _scalar(record: bytes, start: int, end: int, layout: ScalarLayout) -> None:
    tag, place, kind = "", None, ""
    for number, wire, a, b in fields_of(record, start, end):
        if (number, wire) == (1, 2):
            tag = record[a:b].decode("utf-8", "replace")
        elif (number, wire) == (2, 5):
            place, kind = a, "<f4"
        elif (number, wire) == (8, 2):
            place, kind = _tensor(record, a, b) or (None, "")
    if tag and place is not None and len(layout.values) < 1000:
        layout.values.append((tag, place, kind))


def _tensor(record: bytes, start: int, end: int) -> tuple[int, str] | None:
    """Place and type of the one number in a tensor."""
    kinds = {1: "<f4", 2: "<f8"}
    kind = ""
    for number, wire, a, b in fields_of(record, start, end):
        if (number, wire) == (1, 0):
            kind = kinds.get(varint(record, a, b)[0], "")
        elif kind and number in (4, 5, 6) and b - a == int(kind[2:]):
            return a, kind
    return None


def fields_of(record: bytes, at: int, end: int) -> list[tuple[int, int, int, int]]:
    """Number, wire type, start and end of each field. Raises ValueError if the bytes are malformed."""
    found = []
    while at < end:
        key, at = varint(record, at, end)
        number, wire = key >> 3, key & 7
        if wire == 0:
            _, after = varint(record, at, end)
        elif wire == 1:
            after = at + 8
        elif wire == 5:
            after = at + 4
        elif wire == 2:
            size, at = varint(record, at, end)
            after = at + size
        else:
            raise ValueError(f"wire type {wire}")
        if after > end:
            raise ValueError("a field reaches beyond its message")
        found.append((number, wire, at, after))
        at = after
    return found


def varint(record: bytes, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = record[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("a number without an end")
