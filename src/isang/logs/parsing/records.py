"""Lines of one source to records: time, level, message; continuation lines go with their record."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from isang.languages import Both
from isang.logs.input.chunks import Chunk
from isang.logs.parsing import containers, header_layouts, timestamps
from isang.logs.parsing.inferred.levels import IN_FRONT, normal_level
from isang.logs.parsing.inferred.readings import ClockReading, reading_of, rise, seconds_within
from isang.logs.parsing.inferred.recognise import recognise
from isang.logs.parsing.layouts import GivenLayout, Layout
from isang.logs.parsing.source_times import Reading, read_times, readings
from isang.logs.parsing.structured.groups import COLOURS, groups
from isang.logs.parsing.structured.json_fields import with_fields
from isang.logs.parsing.structured.nesting import with_inside
from isang.logs.parsing.timestamps import Clock, name_zones

_UNKNOWN_TIMES = Both(
    "the lines begin with numbers that rise, which may be times in a form that is not known; "
    "describe them with --layout, such as '<time:%d.%m.%Y %H:%M:%S> <message>'",
    "줄이 점점 커지는 숫자로 시작합니다. 알려지지 않은 형식의 시각이라면 "
    "'<time:%d.%m.%Y %H:%M:%S> <message>'처럼 --layout으로 알려 주세요",
)

_SECONDS_FURTHER_ON = Both(
    "the lines have numbers further on that may be seconds since 1970; give each column up to them a name with "
    "--layout, such as '<source> <target> <time> <message>'",
    "줄 안쪽에 1970년부터 센 초로 보이는 숫자가 있습니다. 그 열까지 모든 열에 이름을 붙여 "
    "'<source> <target> <time> <message>'처럼 --layout으로 알려 주세요",
)
_MOSTLY_FITS = 0.1
"""A user's layout that fits fewer lines is most likely mistyped; others may be continuations."""


@dataclass(frozen=True)
class SourceLayout:
    """How the lines of one source are read."""

    containers: tuple[str, ...]
    """The envelopes around each line, the outermost first, see containers.py."""
    layouts: tuple[tuple[Layout, float], ...]
    """With the share of the sample that each parsed; a line takes the first that fits."""
    clocks: tuple[Clock | None, ...]
    """Parallel to `layouts`."""
    zone: str
    reference: datetime
    """Lends its year or date to times that lack them."""
    doubts: tuple[Both, ...] = ()
    """What the log leaves open, one sentence each, with the flag that settles it."""
    zoned: bool = False
    """All times of the sample name their zone."""
    unknown: tuple[tuple[Layout, float], ...] = ()
    """Of `layouts`, those that the model was not trained with."""

    @property
    def container(self) -> str | None:
        """The names of the envelopes; None if there are none."""
        return " > ".join(self.containers) or None

    @property
    def clock(self) -> Clock | None:
        """The clock that gives the records' times; the envelope's goes before the line's own, one that lacks nothing
        before one that does."""
        if containers.TIMED & {*self.containers}:
            return timestamps.ISO
        found = [clock for clock in self.clocks if clock]
        return next((clock for clock in found if clock.lacks is None), found[0] if found else None)


@dataclass(frozen=True)
class Records:
    """The records of one chunk."""

    frame: pl.DataFrame
    """`line` u32 (of the first line), `time` UTC or null, `level`, `message`, `alert` bool or null, `text`."""
    lines: int
    blank: int
    leading: int
    """Lines before the first record: they continue the last record of the chunk before, if there is one."""
    continued: int
    """Lines after the first record that start no record."""


def recognise_source(
    sample: pl.Series, *, given: GivenLayout | None, zone: str, reference: datetime, date_order: str = "auto"
) -> SourceLayout:
    """How to read a source, from some of its lines; `given` is the layout that the user fixed."""
    wrappers = containers.recognise_containers(sample)
    texts = _texts(sample.to_frame("text"), wrappers)["text"].drop_nulls()
    if given is not None:
        lines = texts.filter(texts.str.contains(r"\S"))
        share = float(lines.str.contains(given.pattern).mean() or 0.0)  # type: ignore[arg-type]
        found = [(Layout(given.name, given.pattern), share)]
    else:
        described = header_layouts.layout_of(texts)

        def recognised(lines: pl.Series) -> list[tuple[Layout, float]]:
            known = None if lines is not texts else described
            read = recognise(lines, known, zone=zone, reference=reference, date_order=date_order)
            return [(with_fields(layout, lines), share) for layout, share in read]

        found = with_inside(recognised(texts), texts, recognised)
    times = [groups(texts, layout)["time"] for layout, _ in found]
    if given is not None and given.clock is not None:
        readings: list[ClockReading | None] = [ClockReading(given.clock)]
    else:
        readings = [reading_of(each, zone=zone, reference=reference, date_order=date_order) for each in times]
    clocks = tuple(None if reading is None else reading.clock for reading in readings)
    doubts = [reading.doubt for reading in readings if reading is not None and reading.doubt is not None]
    if given is not None and found[0][1] < _MOSTLY_FITS:
        fits = f"{found[0][1]:.0%}"
        english = f"--layout fits {fits} of the lines; leave it out to have the layout recognised"
        doubts.append(Both(english, f"--layout에 맞는 줄이 {fits}뿐입니다. 빼면 레이아웃을 자동으로 알아봅니다"))
    if not any(clocks) and not wrappers and given is None:
        doubts += [_SECONDS_FURTHER_ON] if seconds_within(texts) else [_UNKNOWN_TIMES] if rise(texts) else []
    zoned = _zoned(wrappers, times, clocks)
    return SourceLayout(wrappers, tuple(found), clocks, zone, reference, tuple(dict.fromkeys(doubts)), zoned)


def _zoned(wrappers: Sequence[str], times: Sequence[pl.Series], clocks: Sequence[Clock | None]) -> bool:
    """Whether all times name their zone; `times` are those that each layout found."""
    return bool(containers.TIMED & {*wrappers}) or all(
        clock is None or name_zones(each, clock) for each, clock in zip(times, clocks, strict=True)
    )


def with_zoned(source: SourceLayout, sample: pl.Series) -> SourceLayout:
    """The source with what the times of a sample say of their zones."""
    return replace(source, zoned=_zoned(source.containers, times_written(source, sample), source.clocks))


def times_written(source: SourceLayout, sample: pl.Series) -> list[pl.Series]:
    """The times in some lines of a source as they are written, for each of its layouts."""
    texts = _texts(sample.to_frame("text"), source.containers)["text"].drop_nulls()
    return [groups(texts, layout)["time"] for layout, _ in source.layouts]


def begins(lines: pl.Series, source: SourceLayout) -> pl.Series:
    """Which of successive lines begin a record, or are the heading of one."""
    texts = _texts(lines.to_frame("text"), source.containers)["text"]
    return as_written(texts, source)["message"].is_not_null() | _headings(texts, source)


def parse_chunk(chunk: Chunk, source: SourceLayout) -> Records:
    """The records that begin in a chunk."""
    frame = split_lines(chunk)
    texts = _texts(frame, source.containers, chunk.previous_line)
    blank = ~texts["text"].str.contains(r"\S").fill_null(False)
    parsed = normalised(as_written(texts["text"], source, _line_before(chunk, source)), source)
    starts = parsed["message"].is_not_null() & ~blank
    if "continues" in texts.columns:
        starts &= ~texts["continues"]
        parsed = parsed.with_columns(time=pl.coalesce(texts["time"], "time"))
    records = pl.concat([frame.select("line"), parsed, texts.select("text")], how="horizontal").filter(starts)
    return counted(records, starts, blank)


def counted(records: pl.DataFrame, starts: pl.Series, blank: pl.Series) -> Records:
    """The records of a chunk with its line counts; `starts` and `blank` classify each line."""
    first = starts.arg_max() if starts.any() else None
    blanks = int(blank.sum())
    leading = starts.len() - blanks if first is None else first - int(blank.head(first).sum())
    return Records(records, starts.len(), blanks, leading, starts.len() - blanks - records.height - leading)


class RecordTexts:
    """The whole texts of the records that begin at the lines `wanted`, with the lines that continue them.

    Chunks come in the order of their lines; where some are left out, records end.
    """

    def __init__(self, source: SourceLayout, wanted: Collection[int]) -> None:
        self._source, self._wanted = source, wanted
        self._found: dict[int, list[str]] = {}
        self._open: int | None = None
        self._next_line = 1

    @property
    def open(self) -> bool:
        """Whether the next lines may belong to one of these records."""
        return self._open is not None

    @property
    def complete(self) -> bool:
        """All records are there."""
        return self._open is None and len(self._found) == len(self._wanted)

    def add(self, chunk: Chunk) -> None:
        """Take in the lines of a chunk."""
        source = self._source
        if chunk.first_line != self._next_line:
            self._open = None
        starts = set(parse_chunk(chunk, source).frame["line"].to_list())
        texts = _texts(split_lines(chunk), source.containers, chunk.previous_line)
        goes_on = texts["continues"].to_list() if "continues" in texts.columns else [False] * texts.height
        before = _line_before(chunk, source)
        is_heading = _headings(texts["text"], source).to_list()
        heading = before is not None and _headings(pl.Series([before]), source)[0]
        rows = zip(texts["text"].to_list(), goes_on, is_heading, strict=True)
        for line, (text, continues, heads) in enumerate(rows, chunk.first_line):
            if line in starts:
                self._open = line if line in self._wanted else None
                if self._open is not None:
                    self._found[line] = [f"{before}\n", text] if heading else [text]
            elif heads:
                self._open = None
            elif self._open is not None:
                self._found[self._open].append((text or "") if continues else "\n" + (text or ""))
            before, heading = text, heads
        self._next_line = chunk.first_line + texts.height

    def texts(self) -> dict[int, str]:
        """{first line: text} of the records that were found."""
        return {line: "".join(pieces).rstrip() for line, pieces in self._found.items()}


def record_texts(chunks: Iterable[Chunk], source: SourceLayout, wanted: Collection[int]) -> dict[int, str]:
    """{first line: whole text} of the records that begin at the lines `wanted` of a source that is read through."""
    found = RecordTexts(source, wanted)
    for chunk in chunks:
        found.add(chunk)
        if found.complete and wanted:
            break
    return found.texts()


def whole_records(parts: Sequence[tuple[pl.DataFrame, SourceLayout]]) -> pl.DataFrame:
    """The records that begin in lines of any logs, parsed together: `parts` are lines and the layout that reads them.

    Lines: `row`, `text` without colours, `begins` (the first line of its log here) and `context` (the line before a
    log's first one, not a line of its own; layouts that are `needs_line_before` need one for each log). Returns the
    `row` of each record's first line, the number of its `log` (how many began before), `time`, `level`,
    `message`, `alert`, `text` (the first line) and `whole` (all lines).
    """
    clocks: list[Reading] = []
    read = []
    for lines, source in parts:
        read.append(_lines_read(lines, source, len(clocks)))
        clocks += readings(source.clocks, source.clock, source.zone, source.reference)
    found = read[0] if len(read) == 1 else pl.concat(read)
    blank = (found["first"].str.strip_chars() == "").fill_null(value=True)
    parsed = _normal(found, read_times(found, clocks))
    starts = parsed["message"].is_not_null() & ~blank & ~found["context"] & ~found["continues"]
    parsed = parsed.with_columns(time=pl.coalesce(found["outer"], "time"))
    found = found.with_columns(*parsed, starts.alias("starts"), log=pl.col("begins").cum_sum() - 1)
    whole = _whole_texts(found)
    found = found.filter("starts")
    return found.select("row", "log", "time", "level", "message", "alert", text="first", whole=whole)


def _lines_read(lines: pl.DataFrame, source: SourceLayout, first_clock: int) -> pl.DataFrame:
    """Lines (see `whole_records`) with what their layout finds in them; `layout` counts from `first_clock`."""
    written = lines["text"]
    several = written.str.contains("\n", literal=True).any()  # sent as one record, such as a stack trace
    first = written.str.replace(r"(?s)\n.*$", "") if several else written
    texts = _texts(first.to_frame("text"), source.containers)
    inside = "continues" in texts.columns
    return pl.concat([lines.drop("text"), as_written(texts["text"], source)], how="horizontal").with_columns(
        texts["text"].alias("first"),
        (texts["text"] if inside else written).alias("written"),
        texts["time"].alias("outer") if inside else pl.lit(None, dtype=timestamps.UTC_TIME).alias("outer"),
        texts["continues"] if inside else pl.lit(value=False).alias("continues"),
        _headings(texts["text"], source).alias("heads"),
        layout=pl.col("layout").cast(pl.UInt32) + first_clock,
    )


def _whole_texts(lines: pl.DataFrame) -> pl.Series:
    """The text of each record with the lines that continue it, and the heading above it."""
    others = ~(lines["starts"] | lines["context"])
    if not others.any() and not lines["heads"].any():
        return lines.filter("starts")["written"]
    opens = pl.col("starts") | pl.col("heads") | pl.col("context") | pl.col("begins")
    headed = pl.col("heads").shift(1, fill_value=False) & ~pl.col("begins")
    heading = pl.when(headed).then(pl.col("written").shift(1) + "\n")
    piece = (
        pl.when("starts").then(heading.fill_null("") + pl.col("written"))
        .when("continues").then(pl.col("written").fill_null(""))
        .otherwise("\n" + pl.col("written").fill_null(""))
    )  # fmt: skip
    blocks = lines.select(opens.cum_sum().alias("block"), "starts", piece.alias("piece"))
    whole = blocks.group_by("block", maintain_order=True).agg(pl.col("starts").first(), pl.col("piece").str.join(""))
    return whole.filter("starts")["piece"].str.strip_chars_end()


def needs_line_before(source: SourceLayout) -> bool:
    """Whether what a line means depends on the line before it."""
    return source.container is not None or any(layout.heading for layout, _ in source.layouts)


def without_colours(lines: pl.Series) -> pl.Series:
    """Lines without the terminal's colours."""
    return lines.str.replace_all(COLOURS, "") if lines.str.contains("\x1b", literal=True).any() else lines


def split_lines(chunk: Chunk) -> pl.DataFrame:
    """Columns `line` (number, u32) and `text`; colours of the terminal are taken out."""
    lines = pl.Series("text", [chunk.text]).str.split("\n").explode()
    if "\x1b" in chunk.text:
        lines = lines.str.replace_all(COLOURS, "")
    numbers = pl.int_range(chunk.first_line, chunk.first_line + lines.len(), dtype=pl.UInt32, eager=True)
    return pl.DataFrame([numbers.alias("line"), lines])


def _texts(frame: pl.DataFrame, wrappers: tuple[str, ...], previous_line: str | None = None) -> pl.DataFrame:
    """`text`, and for logs in envelopes `time` and `continues` (the line continues the previous one)."""
    if not wrappers:
        return frame.select("text")
    inner = containers.unwrapped(frame["text"], wrappers)
    carried = False
    if previous_line is not None:
        carried = bool(containers.unwrapped(pl.Series([previous_line]), wrappers)["partial"][0])
    outer = timestamps.to_utc(pl.col("outer_time"), timestamps.ISO, zone="UTC", reference=datetime(1970, 1, 1))
    return inner.select("text", time=outer, continues=pl.col("partial").shift(1, fill_value=carried))


def as_written(texts: pl.Series, source: SourceLayout, before: str | None = None) -> pl.DataFrame:
    """`time`, `level`, `message`, `alert` as text, and `layout` (u8), the number of the first that fits.

    The message is null where none does. `before`: the line before the first.
    """
    result = groups(texts, source.layouts[0][0], before).with_columns(layout=pl.lit(0, dtype=pl.UInt8))
    for number, (layout, _) in enumerate(source.layouts[1:], 1):
        other = groups(texts, layout, before).with_columns(layout=pl.lit(number, dtype=pl.UInt8))
        unread = result["message"].is_null() & ~_headings(texts, source)
        result = pl.DataFrame([other[name].zip_with(unread, result[name]) for name in result.columns])
    return result


def normalised(written: pl.DataFrame, source: SourceLayout) -> pl.DataFrame:
    """`time` (UTC or null), `level`, `message`, `alert` (bool or null) of lines `as_written`."""
    return _normal(written, times_of(written, source))


def _normal(written: pl.DataFrame, times: pl.Series) -> pl.DataFrame:
    """See `normalised`; in lines without a level before the message, the level is searched for in the message."""
    found = written.select(times, normal_level(pl.col("level")), "message", alert=pl.col("alert") != "-")
    without = written["level"].is_null().arg_true()
    if without.is_empty():
        return found
    told = written["message"].gather(without).str.extract(IN_FRONT)
    if told.null_count() == told.len():
        return found
    levels = told.to_frame("level").select(normal_level(pl.col("level"))).to_series()
    return found.with_columns(found["level"].scatter(without, levels))


def times_of(written: pl.DataFrame, source: SourceLayout) -> pl.Series:
    """The `time` of lines whose `time` is still text; it is written as their `layout` has it."""
    return read_times(written, readings(source.clocks, source.clock, source.zone, source.reference))


def _line_before(chunk: Chunk, source: SourceLayout) -> str | None:
    """The line before the first of a chunk, without the container's envelope."""
    if chunk.previous_line is None or not source.containers:
        return chunk.previous_line
    text: str | None = containers.unwrapped(pl.Series([chunk.previous_line]), source.containers)["text"][0]
    return text


def _headings(texts: pl.Series, source: SourceLayout) -> pl.Series:
    """Which lines begin a record whose message is in the next line."""
    found = texts.is_null() & texts.is_not_null()
    for layout, _ in source.layouts:
        if layout.heading:
            found |= texts.str.contains(layout.heading).fill_null(False)
    return found
