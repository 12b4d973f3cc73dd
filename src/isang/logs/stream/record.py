"""The record that every intake makes, and the sources that give records out."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import polars as pl

RECORDS_SCHEMA = pl.Schema(
    {
        "stream": pl.String(),  # the log that a session stays within; a rotated log is one
        "source": pl.String(),  # the file, service or host that people are shown
        "line": pl.Int64(),  # line number in `source`, from 1; 0: unknown
        "time": pl.Int64(),  # microseconds since 1970 UTC; null where the sender gave none
        "level": pl.String(),
        "message": pl.String(),  # null: `text` is a raw line that is still to be parsed
        "text": pl.String(),  # all that was written
        "fields": pl.String(),  # a JSON object of texts; null if there are none
        "trace_id": pl.String(),
    }
)
"""A batch of records; records of one stream are in order of arrival."""


PARSED_SCHEMA = pl.Schema(
    {
        "key": pl.String(),  # null where sessions have no key
        "stream": pl.String(),  # the log that a session stays within; empty where it may join several
        "log": pl.Int64(),  # number of the log: in this order stand records of the same time
        "source": pl.String(),  # name of the file, service or host
        "line": pl.UInt32(),  # of the first line in that source
        "time": pl.Int64(),  # microseconds since 1970 UTC, or NO_TIME
        "level": pl.String(),
        "alert": pl.Boolean(),
        "message": pl.String(),  # masked
        "text": pl.String(),  # the whole record, up to MAX_TEXT characters
    }
)
LINES_SCHEMA = pl.Schema({name: PARSED_SCHEMA[name] for name in ("source", "time", "level", "message")})
OUTSIDE_SCHEMA = pl.Schema(
    {name: PARSED_SCHEMA[name] for name in ("source", "line", "time", "level", "message", "text")}
)
"""Parsed records; those of LINES_SCHEMA and OUTSIDE_SCHEMA are parts of them."""


class Record(NamedTuple):
    """One log record, the same whether a file's line, an OTLP record or a syslog datagram brought it."""

    source: str
    """Who wrote it: the service or container, host and application, or file. Sessions without a key stay within it."""
    text: str
    """The whole record as it was written: what people are shown, and where session keys are searched."""
    time_us: int | None = None
    """Microseconds since 1970 UTC; None where the sender gave none."""
    level: str | None = None
    """The severity as the sender names it, such as `ERROR`, or as a number of syslog or Python."""
    message: str | None = None
    """What happened, without time and level. None: `text` is a raw line, whose layout is recognised as a file's is."""
    fields: Mapping[str, str] | None = None
    """Attributes: dotted names, values as text."""
    trace_id: str | None = None
    """In lower-case hexadecimal; the session key where it is there."""
    line: int = 0
    """Line number in `source`, from 1; 0: unknown."""


def frame_of(records: Sequence[Record]) -> pl.DataFrame:
    """Records as a table (RECORDS_SCHEMA), in their order."""
    if not records:
        return RECORDS_SCHEMA.to_frame()
    sources, texts, times, levels, messages, fields, traces, numbers = zip(*records, strict=True)
    written: dict[int, str] = {}  # records of one sender often share their fields
    plain = [
        None if not each else written.get(id(each)) or written.setdefault(id(each), _json(each)) for each in fields
    ]
    columns = (sources, sources, numbers, times, levels, messages, texts, plain, traces)
    return pl.DataFrame(
        [pl.Series(name, column, kind) for (name, kind), column in zip(RECORDS_SCHEMA.items(), columns, strict=True)]
    )


def _json(fields: Mapping[str, str]) -> str:
    return json.dumps(dict(fields), ensure_ascii=False)


class RecordSource(Protocol):
    """Something that gives records out and finds its place again: growing files, a journal, a topic."""

    @property
    def behind(self) -> bool:
        """More is there than the last `read` gave."""

    def resume(self, cursor: Any) -> None:
        """Continue after this cursor, which an earlier process acknowledged; call it before the first `read`."""

    def read(self) -> tuple[pl.DataFrame, Any]:
        """The records (RECORDS_SCHEMA) since the last call, and the cursor after them.

        The cursor is opaque and consists of plain JSON values.
        """

    def acknowledge(self, cursor: Any) -> None:
        """Note that everything up to `cursor` is safe; after a restart reading may continue after it."""
