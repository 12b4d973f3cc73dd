"""Parses incoming records of any number of logs together, each line once, whatever its source."""

from bisect import bisect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from isang.config import LogsConfig
from isang.logs.input.chunks import Chunk
from isang.logs.parsing import layouts, masks
from isang.logs.parsing.inferred.levels import normal_level
from isang.logs.parsing.inferred.recognise import SAMPLE_LINES
from isang.logs.parsing.known_layouts import read_as_known
from isang.logs.parsing.records import (
    SourceLayout,
    needs_line_before,
    split_lines,
    whole_records,
    without_colours,
)
from isang.logs.parsing.structured import fields
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.parsing.timestamps import falls, moved_back, periods_back
from isang.logs.redaction import messages_without_secrets, redacted_keys, redacted_texts
from isang.logs.rules import Rules
from isang.logs.sessions.rule import keys_of
from isang.logs.stream.record import LINES_SCHEMA, OUTSIDE_SCHEMA, PARSED_SCHEMA

MAX_TEXT = 2_000
_KEPT_LINES = 100
"""Of the beginning of a log that cannot be read again."""
_ROOM = 1 << 40
"""Distance between the numbers of two logs, for logs whose names sort between theirs."""
_LOOKED_AT_AGAIN = 4
"""A log's layout is recognised again when this many times as many of its first SAMPLE_LINES are known."""
_WHOLE = pl.Schema(
    {
        "row": pl.UInt32(),
        "time": pl.Int64(),
        "level": pl.String(),
        "message": pl.String(),
        "alert": pl.Boolean(),
        "text": pl.String(),  # in which session keys are searched
        "whole": pl.String(),
    }
)


@dataclass
class _Log:
    """The state of one log."""

    number: int
    head: pl.Series = field(default_factory=lambda: pl.Series("text", [], dtype=pl.String))
    """Its first lines, up to SAMPLE_LINES."""
    layout: SourceLayout | None = None
    recognised_from: int = 0
    """Lines of `head` that the layout was recognised from."""
    before: str | None = None
    """The last line that was parsed."""
    latest_us: int | None = None
    """Time of the last record."""
    as_written_us: int | None = None
    """The same before what it lacks was settled."""
    came_at: float = 0.0


_Run = tuple[_Log, SourceLayout, int, int]
"""A log, how it is read, and the first and the number of its rows."""


class NumbersInOrder:
    """Numbers for names that come in any order: in the order of the names, as logs that are read together stand.

    A name takes the middle between its neighbours' numbers. Where there is no room left it comes last.
    """

    def __init__(self) -> None:
        self._names: list[str] = []
        self._numbers: list[int] = []

    def of(self, name: str) -> int:
        """The number of a new name."""
        place = bisect(self._names, name)
        before = self._numbers[place - 1] if place else None
        after = self._numbers[place] if place < len(self._numbers) else None
        if before is None:
            number = 0 if after is None else after - _ROOM
        else:
            number = before + _ROOM if after is None else (before + after) // 2
        if number in self._numbers:
            number = max(self._numbers) + 1
        self._names.insert(place, name)
        self._numbers.insert(place, number)
        return number


class RecordParser:
    """Records (RECORDS_SCHEMA) to records with masked message, time and session key (PARSED_SCHEMA).

    Raw lines are parsed by the layout of their log, which is recognised from its first lines; records already
    structured by the sender are kept. `clock` returns seconds since any origin.
    """

    def __init__(self, rules: Rules, config: LogsConfig, clock: Callable[[], float]) -> None:
        self._rules, self._clock = rules, clock
        self._zone, self._date_order = config.timezone, config.date_order
        self._redact = config.redact
        self._given = None if config.layout == "auto" else layouts.from_pattern(config.layout)
        self._masks = masks.compiled(rules.masks)
        self._logs: dict[str, _Log] = {}
        self._numbers = NumbersInOrder()
        self.lines = LINES_SCHEMA.to_frame()
        """All records of the last `parse`, each once, whether or not it names a key."""
        self.outside = OUTSIDE_SCHEMA.to_frame()
        """Those of them that name no key where sessions have one."""

    def begin(self, stream: str, beginning: str = "", before: str | None = None) -> None:
        """Register a log whose first lines an earlier process parsed, by its beginning and the last of these."""
        log = self._log(stream)
        if beginning:
            log.head = split_lines(Chunk(beginning, 1, None))["text"].head(SAMPLE_LINES)
        log.before = before

    def facts(self, streams: Collection[str]) -> dict[str, Any]:
        """What `restore` needs to go on with these logs, which cannot be read again; plain JSON values."""
        logs = ((stream, self._log(stream)) for stream in sorted(streams))
        return {
            stream: [log.head.head(_KEPT_LINES).to_list(), log.before, log.latest_us, log.as_written_us]
            for stream, log in logs
        }

    def restore(self, facts: Mapping[str, Any]) -> None:
        """Take up what an earlier process knew of logs. Raises LookupError, TypeError, ValueError."""
        for stream, (head, before, latest_us, as_written_us) in facts.items():
            log = self._log(stream)
            log.head = pl.Series("text", [str(line)[:MAX_TEXT] for line in head], dtype=pl.String)
            log.before, log.latest_us, log.as_written_us = before, latest_us, as_written_us

    def latest_us(self, stream: str) -> int:
        """The time of the last record of a log; 0 if there is none."""
        log = self._logs.get(stream)
        return 0 if log is None else log.latest_us or 0

    def now_us(self, at: float) -> int:
        """The time in the logs `at` a time of the clock, which advances it from the last record of each log."""
        return max((round((log.latest_us or 0) + (at - log.came_at) * 1e6) for log in self._logs.values()), default=0)

    def parse(
        self, records: pl.DataFrame, written: Mapping[str, datetime] | None = None, *, read_at: float | None = None
    ) -> pl.DataFrame:
        """The records (PARSED_SCHEMA), a row for each key that a record names, in the order in which they came.

        `written`: when logs were written to last; now where that is not known. `read_at`: the clock when they
        were read.
        """
        if records.is_empty():
            self.lines, self.outside = LINES_SCHEMA.to_frame(), OUTSIDE_SCHEMA.to_frame()
            return PARSED_SCHEMA.to_frame()
        rows = records.with_row_index("row")
        now = self._clock() if read_at is None else read_at
        for stream in rows["stream"].unique(maintain_order=True).to_list():
            self._log(stream).came_at = now
        as_sent, layouts = self._as_sent_of(rows)
        raw, sent = rows.filter(~as_sent), rows.filter(as_sent)
        parts = [*self._of_lines(raw, written or {}, layouts), *self._as_sent(sent)]
        parsed = parts[0] if len(parts) == 1 else pl.concat(parts).sort("row")
        return self._located(parsed, rows)

    def _log(self, stream: str) -> _Log:
        log = self._logs.get(stream)
        if log is None:
            log = self._logs[stream] = _Log(self._numbers.of(stream), came_at=self._clock())
        return log

    def _as_sent_of(self, rows: pl.DataFrame) -> tuple[pl.Series, dict[str, SourceLayout]]:
        """Which records the sender took apart, and the layouts of the logs that were looked at for it.

        Where all that came is a text, the log's texts say whether they are whole lines: these carry a time.
        """
        as_sent = rows["message"].is_not_null()
        layouts: dict[str, SourceLayout] = {}
        bare = as_sent & (rows["message"] == rows["text"]).fill_null(value=False)
        if bare.any():
            for (stream,), of_stream in rows.filter(bare).group_by("stream", maintain_order=True):
                layouts[str(stream)] = self._recognised(
                    self._log(str(stream)), without_colours(of_stream["text"]), None
                )
            lines = [stream for stream, layout in layouts.items() if layout.clock is not None]
            as_sent &= ~(bare & rows["stream"].is_in(lines))
        return as_sent, layouts

    def _as_sent(self, rows: pl.DataFrame) -> list[pl.DataFrame]:
        """Records that the sender took apart (_WHOLE)."""
        if rows.is_empty():
            return []
        message, text = pl.col("message"), pl.col("text")
        if rows["fields"].null_count() < rows.height:
            objects = (
                rows["fields"].fill_null("{}").str.json_decode(pl.Struct(dict.fromkeys(fields.TELLING, pl.String)))
            )
            told = objects.struct.unnest()
            rows = rows.hstack(told)
            message = fields.with_telling(
                message, [name for name in told.columns if told[name].null_count() < told.height]
            )
            text = pl.concat_str([text, "fields"], separator=" ", ignore_nulls=True)
        found = rows.select(
            "row",
            pl.col("time").fill_null(NO_TIME),
            normal_level(pl.col("level")),
            message.str.extract(r"^([^\n]*)").alias("message"),
            alert=pl.lit(None, dtype=pl.Boolean),
            text=text,
            whole="text",
        )
        latest = rows.group_by("stream").agg(pl.col("time").last())
        for stream, time in latest.iter_rows():
            log = self._log(stream)
            log.latest_us = log.latest_us if time is None else time
        return [found.with_columns(without_colours(found["message"]).alias("message")).cast(_WHOLE)]

    def _of_lines(
        self, rows: pl.DataFrame, written: Mapping[str, datetime], layouts: Mapping[str, SourceLayout]
    ) -> list[pl.DataFrame]:
        """Raw lines (_WHOLE) of all logs together; `layouts` are already known."""
        if rows.is_empty():
            return []
        rows = rows.sort("stream", maintain_order=True)
        rows = rows.with_columns(without_colours(rows["text"]))
        runs = rows["stream"].rle().struct.unnest()
        texts, start = rows["text"], 0
        alike: dict[Any, list[_Run]] = {}
        for length, stream in runs.iter_rows():
            log = self._log(stream)
            layout = layouts.get(stream)
            if layout is None:
                layout = self._recognised(log, texts.slice(start, length), written.get(stream))
            alike.setdefault(_read_as(layout), []).append((log, layout, start, length))
            start += length
        return [self._read(rows, list(alike.values()))]

    def _recognised(self, log: _Log, texts: pl.Series, written: datetime | None) -> SourceLayout:
        reference = (written or datetime.now(UTC)).astimezone(ZoneInfo(self._zone))
        missing = SAMPLE_LINES - log.head.len()
        if log.layout is None or missing > 0:
            log.head = log.head.append(texts.head(missing))
        full = log.head.len() >= SAMPLE_LINES > log.recognised_from
        if log.layout is None or full or log.head.len() >= _LOOKED_AT_AGAIN * log.recognised_from:
            log.recognised_from = log.head.len()
            log.layout = read_as_known(
                log.head,
                self._rules.layouts,
                given=self._given,
                zone=self._zone,
                reference=reference,
                date_order=self._date_order,
            )
        return replace(log.layout, reference=reference)

    def _read(self, rows: pl.DataFrame, alike: list[list[_Run]]) -> pl.DataFrame:
        """The lines of all logs; those with the same layout are grouped in `alike`."""
        runs = [run for logs in alike for run in logs]
        texts = rows["text"]
        parts = [(_lines_of(rows, logs), logs[0][1]) for logs in alike]
        for log, _, start, length in runs:
            log.before = texts[start + length - 1]
        found = whole_records(parts).with_columns(pl.col("time").cast(pl.Int64))
        told = rows.select("row", "time", "level").filter(pl.col("time").is_not_null() | pl.col("level").is_not_null())
        if told.height:  # records with values given by the sender
            found = found.join(told, on="row", how="left", maintain_order="left")
            found = (
                found.with_columns(pl.coalesce(name, f"{name}_right").alias(name) for name in ("time", "level"))
                .with_columns(normal_level(pl.col("level")))
                .drop("time_right", "level_right")
            )
        return found.with_columns(_running_on(found, runs)).drop("log").cast(_WHOLE)

    def _located(self, parsed: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """PARSED_SCHEMA; what names no key where sessions have one is left out."""
        of = rows.select("stream", "source", "line", "trace_id")[parsed["row"]]
        streams = of["stream"].unique()
        numbers = pl.Series([self._log(stream).number for stream in streams.to_list()], dtype=pl.Int64)
        joins = self._rules.session.joins_sources
        records = pl.DataFrame(
            [
                of["trace_id"].alias("key"),
                pl.repeat("", of.height, eager=True).alias("stream") if joins else of["stream"],
                of["stream"].replace_strict(streams, numbers, return_dtype=pl.Int64).alias("log"),
                of["source"],
                of["line"],
                parsed["time"],
                parsed["level"],
                parsed["alert"],
                messages_without_secrets(masks.masked(parsed["message"], self._masks)).alias("message"),
                (redacted_texts(parsed["whole"]) if self._redact else parsed["whole"])
                .str.slice(0, MAX_TEXT)
                .alias("text"),
            ]
        )
        self.lines = records.select(LINES_SCHEMA.names()).cast(LINES_SCHEMA)
        self.outside = OUTSIDE_SCHEMA.to_frame()
        pattern = self._rules.session.pattern
        if pattern is None:
            records = records.with_columns(key=pl.lit(None, dtype=pl.String))
        else:
            traced = records["key"].is_not_null()
            texts = parsed["text"] if not traced.any() else parsed["text"].zip_with(~traced, pl.Series([""]))
            found = keys_of(texts, pattern)
            if traced.any():
                own = records.select(row=pl.int_range(pl.len(), dtype=pl.UInt32), key="key").filter(traced)
                found = pl.concat([found, own]).sort("row", maintain_order=True)
            inside = np.zeros(records.height, dtype=bool)
            inside[found["row"].to_numpy()] = True
            self.outside = records.select(OUTSIDE_SCHEMA.names()).filter(~inside).cast(OUTSIDE_SCHEMA)
            keys = redacted_keys(found["key"]) if self._redact else found["key"]
            records = records[found["row"]].with_columns(keys)
        return records.cast(PARSED_SCHEMA)


def _read_as(layout: SourceLayout) -> Any:
    """A key that is equal for layouts that parse lines in the same way."""
    lacking = any(clock is not None and clock.lacks for clock in layout.clocks)
    shapes = tuple(shape for shape, _ in layout.layouts)
    return layout.container, shapes, layout.clocks, layout.zone, layout.reference.date() if lacking else None


def _lines_of(rows: pl.DataFrame, logs: list[_Run]) -> pl.DataFrame:
    """The lines of logs that one layout reads, see `whole_records`."""
    if needs_line_before(logs[0][1]):
        return pl.concat(_with_context(rows, *run) for run in logs)
    places = np.concatenate([np.arange(start, start + length) for _, _, start, length in logs])
    sizes = np.array([length for *_, length in logs])
    begins = np.zeros(len(places), dtype=bool)
    begins[np.cumsum(sizes) - sizes] = True
    return rows.select("row", "text")[places].with_columns(begins=pl.Series(begins), context=pl.lit(value=False))


def _with_context(rows: pl.DataFrame, log: _Log, _: SourceLayout, start: int, length: int) -> pl.DataFrame:
    """The lines of one log behind the one that came before them."""
    own = rows.slice(start, length).select("row", "text", begins=pl.lit(value=False), context=pl.lit(value=False))
    before = own.head(1).select(
        "row", text=pl.lit(log.before or ""), begins=pl.lit(value=True), context=pl.lit(value=True)
    )
    return pl.concat([before, own])


def _running_on(found: pl.DataFrame, runs: list[_Run]) -> pl.Series:
    """Times as settled by `Timeline`: they continue past midnight, and a record without one takes the previous time.

    If times lack the year or the date, the last of those read together is the latest before now. `found`: records with
    their `time` and the index of their `log` in `runs`.
    """
    times = found["time"]
    sizes = np.bincount(found["log"].to_numpy(), minlength=len(runs))
    ends = np.cumsum(sizes)
    complete = all(layout.clock is None or layout.clock.lacks is None for _, layout, *_ in runs)
    if complete and not times.null_count():  # nothing is to be settled
        for (log, *_), size, end in zip(runs, sizes.tolist(), ends.tolist(), strict=True):
            if size:
                log.as_written_us = log.latest_us = times[end - 1]
        return times
    return pl.concat(
        _settled(times.slice(int(end - size), int(size)), log, layout)
        for end, size, (log, layout, *_) in zip(ends, sizes, runs, strict=True)
    )


def _settled(times: pl.Series, log: _Log, layout: SourceLayout) -> pl.Series:
    """The times of one log's records, and the last of them kept."""
    if times.is_empty():  # only lines that belong to the record before
        return times
    if times.null_count() == times.len() and (layout.clock is None or log.latest_us is None):
        return pl.repeat(NO_TIME, times.len(), dtype=pl.Int64, eager=True).alias("time")
    if times.null_count():
        before = pl.Series("time", [log.as_written_us], dtype=pl.Int64)
        times = pl.concat([before, times]).fill_null(strategy="forward").fill_null(strategy="backward")[1:]
    log.as_written_us = times[-1]
    if layout.clock is not None and layout.clock.lacks is not None:
        passed = falls(times, layout.clock, None)
        back = periods_back(times[-1], layout.clock, layout.reference)
        times = moved_back(times, layout.clock, passed[-1] - passed + back)
    log.latest_us = times[-1]
    return times
