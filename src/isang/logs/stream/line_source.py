"""Growing logs to records, read as `prepare` reads finished ones."""

from collections.abc import Callable
from dataclasses import replace
from zoneinfo import ZoneInfo

import polars as pl

from isang.config import LogsConfig
from isang.logs.input.chunks import Chunk
from isang.logs.parsing import layouts, masks
from isang.logs.parsing.inferred.recognise import SAMPLE_LINES
from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.records import SourceLayout, parse_chunk, recognise_source, record_texts, split_lines
from isang.logs.parsing.timeline import NO_TIME, TOLERANCE
from isang.logs.parsing.timestamps import falls, moved_back, periods_back
from isang.logs.rules import Rules
from isang.logs.sessions.rule import keys_of
from isang.logs.stream.tails import Tail

RECORD_SCHEMA = pl.Schema(
    {
        "key": pl.String(),  # null where sessions have no key
        "stream": pl.String(),  # path of the log that a session stays within; empty where it may join several
        "log": pl.Int32(),  # number of the log: in this order stand records of the same time
        "source": pl.String(),  # name of the file
        "line": pl.UInt32(),  # of the first line in that file
        "time": pl.Int64(),  # microseconds since 1970 UTC, or NO_TIME
        "level": pl.String(),
        "alert": pl.Boolean(),
        "message": pl.String(),  # masked
        "text": pl.String(),  # the whole record, up to MAX_TEXT characters
    }
)
MAX_TEXT = 2_000


class GrowingLog:
    """One growing log: its records as they come.

    `number` is its place among the logs that are followed; `clock` tells seconds, from any start.
    """

    def __init__(self, tail: Tail, number: int, rules: Rules, config: LogsConfig, clock: Callable[[], float]) -> None:
        self.tail, self._number, self._clock = tail, number, clock
        self._rules, self._zone, self._date_order = rules, config.timezone, config.date_order
        self._expression = masks.compiled(rules.masks)
        self._given: Layout | None = None if config.layout == "auto" else layouts.from_pattern(config.layout)
        self._head = pl.Series("text", [], dtype=pl.String)
        self._layout: SourceLayout | None = None
        self._recognised_from = 0  # lines
        self.latest_us: int | None = None
        """Time of the last record."""
        self._as_written_us: int | None = None  # the same before what it lacks was settled
        self._came_at = self._clock()
        self.without_record = 0
        """Lines so far that begin no record."""

    def now_us(self) -> int:
        """The time in this log: it goes on from its last record with the clock on the wall."""
        return (self.latest_us or 0) + round((self._clock() - self._came_at) * 1e6)

    def read(self) -> pl.DataFrame | None:
        """The records (RECORD_SCHEMA) that came since the last call; None where no whole line came."""
        return self._records_of(self.tail.read)

    def last(self) -> pl.DataFrame | None:
        """The record that the text behind the last line end makes, where nothing more comes."""
        return self._records_of(self.tail.last)

    def _records_of(self, read: Callable[[], Chunk | None]) -> pl.DataFrame | None:
        chunk = read()
        if chunk is None:
            return None
        self._came_at = self._clock()
        layout = self._recognised(chunk)
        parsed = parse_chunk(chunk, layout)
        self.without_record += parsed.lines - parsed.frame.height
        frame = parsed.frame.with_columns(time=self._running_on(parsed.frame["time"].cast(pl.Int64), layout))
        texts = record_texts([chunk], layout, set(frame["line"].to_list()))
        records = frame.select(
            pl.lit(None, dtype=pl.String).alias("key"),
            pl.lit("" if self._rules.session.joins_sources else str(self.tail.path)).alias("stream"),
            pl.lit(self._number, dtype=pl.Int32).alias("log"),
            pl.lit(self.tail.name).alias("source"),
            "line",
            "time",
            "level",
            "alert",
            masks.masked(frame["message"], self._expression).alias("message"),
            pl.Series("text", [texts[line][:MAX_TEXT] for line in frame["line"].to_list()], dtype=pl.String),
        )
        if self._rules.session.pattern is not None:
            found = keys_of(frame["text"], self._rules.session.pattern)
            records = records[found["row"]].with_columns(found["key"])
        return records.cast(RECORD_SCHEMA)

    def _recognised(self, chunk: Chunk) -> SourceLayout:
        """How to read the log: looked at anew whenever twice as much of its first SAMPLE_LINES is known."""
        if self._layout is None and chunk.first_line > 1:  # an earlier process began to read it
            self._head = split_lines(Chunk(self.tail.beginning(), 1, None))["text"].head(SAMPLE_LINES)
        missing = SAMPLE_LINES - self._head.len()
        reference = self.tail.modified().astimezone(ZoneInfo(self._zone))
        self._head = self._head.append(split_lines(chunk)["text"].head(missing))
        if self._layout is None or self._head.len() >= 2 * self._recognised_from:
            self._recognised_from = self._head.len()
            self._layout = recognise_source(
                self._head, given=self._given, zone=self._zone, reference=reference, date_order=self._date_order
            )
        return replace(self._layout, reference=reference)

    def _running_on(self, times: pl.Series, layout: SourceLayout) -> pl.Series:
        """As `Timeline` settles them: they run on past midnight, and what has none takes that of the record before.

        Where times lack the year or the date, the last of those that are read together is the latest until now.
        """
        if times.is_empty():  # only lines that belong to the record before
            return times
        if layout.clock is None or (self.latest_us is None and times.null_count() == times.len()):
            return pl.repeat(NO_TIME, times.len(), dtype=pl.Int64, eager=True)
        before = pl.Series([self._as_written_us], dtype=pl.Int64)
        times = pl.concat([before, times]).fill_null(strategy="forward").fill_null(strategy="backward")[1:]
        self._as_written_us = times[-1]
        if layout.clock.lacks is not None:
            passed = falls(times, layout.clock, None)
            back = periods_back(times[-1], layout.clock, layout.reference + TOLERANCE)
            times = moved_back(times, layout.clock, passed[-1] - passed + back)
        self.latest_us = times[-1]
        return times
