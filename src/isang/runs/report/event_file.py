"""A TensorBoard event file that holds one text, written without TensorFlow.

The messages are those of `read/lines/event_bytes.py`; a text is a tensor of one string whose metadata names the plug-in
`text`, as `SummaryWriter.add_text` writes it.
"""

import struct

from isang.runs.read.lines.event_bytes import checksum

_STRING = 7
"""DT_STRING of TensorFlow's types.proto."""


def text_events(tag: str, text: str, seconds: float) -> bytes:
    """The bytes of an event file with one Markdown text; `seconds` since 1970 is when it was written."""
    version = _double(1, seconds) + _field(3, b"brain.Event:2")
    shape = _field(2, _number(1, 1))
    tensor = _number(1, _STRING) + _field(2, shape) + _field(8, text.encode())
    metadata = _field(1, _field(1, b"text") + _field(2, b""))
    value = _field(1, f"{tag}/text_summary".encode()) + _field(8, tensor) + _field(9, metadata)
    event = _double(1, seconds) + _number(2, 0) + _field(5, _field(1, value))
    return _record(version) + _record(event)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + struct.pack("<I", checksum(length)) + data + struct.pack("<I", checksum(data))


def _varint(value: int) -> bytes:
    parts = []
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | 1) + struct.pack("<d", value)


def _field(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data
