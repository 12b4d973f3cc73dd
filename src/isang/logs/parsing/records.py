"""Lines of one source to records: time, level, message; continuation lines go with their record."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from isang.logs.input.chunks import Chunk
from isang.logs.parsing import containers, fields, header_layouts, layouts, timestamps
from isang.logs.parsing.inferred.levels import normal_level
from isang.logs.parsing.inferred.readings import reading_of, rise
from isang.logs.parsing.inferred.recognise import recognise
from isang.logs.parsing.layouts import Layout
from isang.logs.parsing.timestamps import Clock

_JSON_FIELDS = pl.Struct(
    dict.fromkeys((*fields.MESSAGES, *fields.LEVELS, *fields.TIMES, *fields.TELLING, *fields.WITHIN), pl.String)
)
_COLOURS = r"\x1b\[[0-9;]*[A-Za-z]"
_UNKNOWN_TIMES = (
    "the lines begin with numbers that rise, which may be times in a form that is not known; "
    "describe them with --layout, such as '<time:%d.%m.%Y %H:%M:%S> <message>'"
)
_QUOTED_OR_BARE = r'(?:"((?:[^"\\]|\\.)*)"|([^"\s]\S*))'


@dataclass(frozen=True)
class SourceLayout:
    """How the lines of one source are read."""

    container: str | None
    """The envelope around each line, see containers.py."""
    layouts: tuple[tuple[Layout, float], ...]
    """With the share of the sample that each parsed; a line takes the first that fits."""
    clocks: tuple[Clock | None, ...]
    """Parallel to `layouts`."""
    zone: str
    reference: datetime
    """Lends its year or date to times that lack them."""
    doubts: tuple[str, ...] = ()
    """What the log leaves open, one sentence each, with the flag that settles it."""

    @property
    def clock(self) -> Clock | None:
        """The clock that gives the records' times; the envelope's goes before the line's own."""
        return timestamps.ISO if self.container else next((clock for clock in self.clocks if clock), None)


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
    sample: pl.Series, *, given: Layout | None, zone: str, reference: datetime, date_order: str = "auto"
) -> SourceLayout:
    """How to read a source, from some of its lines; `given` is the layout that the user fixed."""
    container = containers.recognise_container(sample)
    texts = _texts(sample.to_frame("text"), container)["text"].drop_nulls()
    if given is not None:
        lines = texts.filter(texts.str.contains(r"\S"))
        found = [(given, float(lines.str.contains(given.pattern).mean() or 0.0))]  # type: ignore[arg-type]
    else:
        described = header_layouts.layout_of(texts)
        found = recognise(texts, described, zone=zone, reference=reference, date_order=date_order)
    readings = [
        reading_of(_groups(texts, layout)["time"], zone=zone, reference=reference, date_order=date_order)
        for layout, _ in found
    ]
    clocks = tuple(None if reading is None else reading.clock for reading in readings)
    doubts = [reading.doubt for reading in readings if reading is not None and reading.doubt is not None]
    if not any(clocks) and container is None and rise(texts):
        doubts.append(_UNKNOWN_TIMES)
    return SourceLayout(container, tuple(found), clocks, zone, reference, tuple(dict.fromkeys(doubts)))


def parse_chunk(chunk: Chunk, source: SourceLayout) -> Records:
    """The records that begin in a chunk."""
    frame = split_lines(chunk)
    texts = _texts(frame, source.container, chunk.previous_line)
    blank = ~texts["text"].str.contains(r"\S").fill_null(False)
    parsed = normalised(as_written(texts["text"], source, _line_before(chunk, source)), source)
    starts = parsed["message"].is_not_null() & ~blank
    if "continues" in texts.columns:
        starts &= ~texts["continues"]
        parsed = parsed.with_columns(time=pl.coalesce(texts["time"], "time"))
    records = pl.concat([frame.select("line"), parsed, texts.select("text")], how="horizontal").filter(starts)
    return counted(records, starts, blank)


def counted(records: pl.DataFrame, starts: pl.Series, blank: pl.Series) -> Records:
    """The records of a chunk with the counts of its lines; `starts` and `blank` say of each line what it is."""
    first = starts.arg_max() if starts.any() else None
    blanks = int(blank.sum())
    leading = starts.len() - blanks if first is None else first - int(blank.head(first).sum())
    return Records(records, starts.len(), blanks, leading, starts.len() - blanks - records.height - leading)


def record_texts(chunks: Iterable[Chunk], source: SourceLayout, wanted: Collection[int]) -> dict[int, str]:
    """{first line: whole text} of the records that begin at the lines `wanted`, with the lines that continue them."""
    found: dict[int, list[str]] = {}
    open_record: int | None = None
    for chunk in chunks:
        if open_record is None and found and len(found) == len(wanted):
            break
        starts = set(parse_chunk(chunk, source).frame["line"].to_list())
        texts = _texts(split_lines(chunk), source.container, chunk.previous_line)
        goes_on = texts["continues"].to_list() if "continues" in texts.columns else [False] * texts.height
        before = _line_before(chunk, source)
        is_heading = _headings(texts["text"], source).to_list()
        heading = before is not None and _headings(pl.Series([before]), source)[0]
        rows = zip(texts["text"].to_list(), goes_on, is_heading, strict=True)
        for line, (text, continues, heads) in enumerate(rows, chunk.first_line):
            if line in starts:
                open_record = line if line in wanted else None
                if open_record is not None:
                    found[line] = [f"{before}\n", text] if heading else [text]
            elif heads:
                open_record = None
            elif open_record is not None:
                found[open_record].append((text or "") if continues else "\n" + (text or ""))
            before, heading = text, heads
    return {line: "".join(pieces).rstrip() for line, pieces in found.items()}


def whole_records(lines: pl.DataFrame, source: SourceLayout) -> pl.DataFrame:
    """The records that begin in lines of one or more logs of one layout, parsed together.

    `lines`: `row`, `text`, `begins` (the first line of its log here) and `context` (the line before a log's first one,
    which is no line of its own; layouts that are `needs_line_before` want one for each log). Returned are the `row` of
    each record's first line, `time`, `level`, `message`, `alert`, `text` (the first line) and `whole` (all lines).
    """
    written = without_colours(lines["text"])
    several = written.str.contains("\n", literal=True).any()  # sent as one record, such as a stack trace
    first = written.str.replace(r"(?s)\n.*$", "") if several else written
    texts = _texts(first.to_frame("text"), source.container)
    blank = ~texts["text"].str.contains(r"\S").fill_null(False)
    parsed = normalised(as_written(texts["text"], source), source)
    starts = parsed["message"].is_not_null() & ~blank & ~lines["context"]
    if "continues" in texts.columns:
        starts &= ~texts["continues"]
        parsed = parsed.with_columns(time=pl.coalesce(texts["time"], "time"))
    else:
        texts = texts.with_columns(continues=pl.lit(False))
    own = texts["text"] if source.container else written
    found = pl.concat([lines, parsed, texts.select(first="text"), texts.select("continues")], how="horizontal")
    found = found.with_columns(
        own.alias("written"), starts.alias("starts"), _headings(texts["text"], source).alias("heads")
    )
    whole = _whole_texts(found)
    return found.filter("starts").select("row", "time", "level", "message", "alert", text="first", whole=whole)


def _whole_texts(lines: pl.DataFrame) -> pl.Series:
    """The text of each record with the lines that continue it, and the heading above it."""
    others = ~(lines["starts"] | lines["context"])
    if not others.any() and not lines["heads"].any():
        return lines.filter("starts")["written"]
    opens = pl.col("starts") | pl.col("heads") | pl.col("context") | pl.col("begins")
    heading = pl.when(pl.col("heads").shift(1, fill_value=False)).then(pl.col("written").shift(1) + "\n")
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
    return lines.str.replace_all(_COLOURS, "") if lines.str.contains("\x1b", literal=True).any() else lines


def split_lines(chunk: Chunk) -> pl.DataFrame:
    """Columns `line` (number, u32) and `text`; colours of the terminal are taken out."""
    lines = pl.Series("text", [chunk.text]).str.split("\n").explode()
    if "\x1b" in chunk.text:
        lines = lines.str.replace_all(_COLOURS, "")
    numbers = pl.int_range(chunk.first_line, chunk.first_line + lines.len(), dtype=pl.UInt32, eager=True)
    return pl.DataFrame([numbers.alias("line"), lines])


def _texts(frame: pl.DataFrame, container: str | None, previous_line: str | None = None) -> pl.DataFrame:
    """`text`, and for container logs `time` and `continues` (the line goes on where the one before broke off)."""
    if container is None:
        return frame.select("text")
    inner = containers.unwrapped(frame["text"], container)
    carried = False
    if previous_line is not None:
        carried = bool(containers.unwrapped(pl.Series([previous_line]), container)["partial"][0])
    outer = timestamps.to_utc(pl.col("outer_time"), timestamps.ISO, zone="UTC", reference=datetime(1970, 1, 1))
    return inner.select("text", time=outer, continues=pl.col("partial").shift(1, fill_value=carried))


def as_written(texts: pl.Series, source: SourceLayout, before: str | None = None) -> pl.DataFrame:
    """`time`, `level`, `message`, `alert` as text, and `layout` (u8), the number of the first that fits.

    The message is null where none does. `before`: the line before the first.
    """
    result = _groups(texts, source.layouts[0][0], before).with_columns(layout=pl.lit(0, dtype=pl.UInt8))
    for number, (layout, _) in enumerate(source.layouts[1:], 1):
        other = _groups(texts, layout, before).with_columns(layout=pl.lit(number, dtype=pl.UInt8))
        unread = result["message"].is_null() & ~_headings(texts, source)
        result = pl.DataFrame([other[name].zip_with(unread, result[name]) for name in result.columns])
    return result


def normalised(written: pl.DataFrame, source: SourceLayout) -> pl.DataFrame:
    """`time` (UTC or null), `level`, `message`, `alert` (bool or null) of lines `as_written`."""
    return written.select(
        times_of(written, source), normal_level(pl.col("level")), "message", alert=pl.col("alert") != "-"
    )


def times_of(written: pl.DataFrame, source: SourceLayout) -> pl.Series:
    """The `time` of lines whose `time` is still text; it is written as their `layout` has it."""
    time = pl.lit(None, dtype=timestamps.UTC_TIME)
    for number, clock in enumerate(source.clocks):
        if clock is not None:
            own = timestamps.to_utc(pl.col("time"), clock, zone=source.zone, reference=source.reference)
            time = pl.when(pl.col("layout") == number).then(own).otherwise(time)
    return written.with_columns(time=time)["time"]


def _line_before(chunk: Chunk, source: SourceLayout) -> str | None:
    """The line before the first of a chunk, without the container's envelope."""
    if chunk.previous_line is None or source.container is None:
        return chunk.previous_line
    text: str | None = containers.unwrapped(pl.Series([chunk.previous_line]), source.container)["text"][0]
    return text


def _headings(texts: pl.Series, source: SourceLayout) -> pl.Series:
    """Which lines begin a record whose message is in the next line."""
    found = texts.is_null() & texts.is_not_null()
    for layout, _ in source.layouts:
        if layout.heading:
            found |= texts.str.contains(layout.heading).fill_null(False)
    return found


def _groups(texts: pl.Series, layout: Layout, before: str | None = None) -> pl.DataFrame:
    """`time`, `level`, `message`, `alert` as written; all null where the layout does not fit."""
    match layout.kind:
        case "json":
            found = _json_groups(texts)
        case "logfmt":
            found = _logfmt_groups(texts, layout)
        case "access":
            found = _access_groups(texts, layout)
        case "csv":
            found = _csv_groups(texts, layout)
        case "headed":
            found = _headed_groups(texts, layout, before)
        case _:
            found = _text_groups(texts, layout.pattern)
    missing = [name for name in ("time", "level", "message", "alert") if name not in found.columns]
    return found.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in missing).select(
        "time", "level", "message", "alert"
    )


def _text_groups(texts: pl.Series, pattern: str) -> pl.DataFrame:
    """The groups of `pattern`; a message that goes on to the end of the line is cut off behind what stands before it.

    Searching for groups takes time by the character, and the message is most of the line.
    """
    before = pattern.removesuffix(layouts.MESSAGE_TO_THE_END)
    if before == pattern or not before.startswith("^"):
        return texts.str.extract_groups(pattern).struct.unnest()
    found = texts.str.extract_groups(f"^(?P<before>{before[1:]})").struct.unnest()
    return found.with_columns(message=pl.lit(texts).str.strip_prefix(pl.col("before")))


def _json_groups(texts: pl.Series) -> pl.DataFrame:
    values = containers.decoded_json(texts, _JSON_FIELDS).struct.unnest()
    values = values.with_columns(containers.decoded_bytes(values["MESSAGE"]))
    for outer, names in fields.WITHIN.items():
        values = _with_fields_of(values, outer, names)
    has_message = pl.coalesce(fields.MESSAGES).is_not_null()
    has_request = pl.coalesce(fields.METHODS).is_not_null() & pl.coalesce(fields.PATHS).is_not_null()
    is_object = pl.lit(texts.str.contains(r"^\s*\{.*\}\s*$"))
    message = fields.with_telling(pl.coalesce(fields.MESSAGES)).str.replace_all(_COLOURS, "")
    return values.select(
        time=pl.coalesce(fields.TIMES),
        level=pl.coalesce(fields.LEVELS),
        message=pl.when(has_message | has_request).then(message)
        .otherwise(pl.when(is_object).then(pl.lit(texts))),
    )  # fmt: skip


def _with_fields_of(values: pl.DataFrame, outer: str, names: dict[str, str]) -> pl.DataFrame:
    """`values`, completed by the fields of the object that `outer` may be; {name within: name in `values`}."""
    if not values[outer].str.starts_with("{").any():
        return values
    inner = containers.decoded_json(values[outer], pl.Struct(dict.fromkeys(names, pl.String))).struct.unnest()
    values = values.with_columns(pl.when(~pl.col(outer).str.starts_with("{")).then(outer).alias(outer))
    return values.with_columns(pl.coalesce(name, inner[within]).alias(name) for within, name in names.items())


def _csv_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """The groups without the quotes around them; a quoted value may go on in the next line."""
    value = pl.all().str.replace(r'(?s)^"((?:[^"]|"")*)"?$', "$1").str.replace_all('""', '"', literal=True)
    return texts.str.extract_groups(layout.pattern).struct.unnest().select(value)


def _headed_groups(texts: pl.Series, layout: Layout, before: str | None) -> pl.DataFrame:
    """What a line says, and what the heading says that is the line before."""
    heading = texts.shift(1, fill_value=before)
    headed = heading.str.contains(layout.heading).fill_null(False)
    above = heading.str.extract_groups(layout.heading).struct.unnest()
    own = texts.str.extract_groups(layout.pattern).struct.unnest()
    found = own.with_columns(column for column in above if column.name not in own.columns)
    return found.with_columns(message=pl.when(headed).then("message"))


def _logfmt_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    def value(names: tuple[str, ...]) -> pl.Expr:
        pattern = rf"(?:^|\s)(?:{'|'.join(names)})={_QUOTED_OR_BARE}"
        return pl.coalesce(pl.col("text").str.extract(pattern, 1), pl.col("text").str.extract(pattern, 2))

    values = texts.to_frame("text").select(
        fits=pl.col("text").str.contains(layout.pattern),
        text="text",
        time=value((*fields.TIMES, "t")),
        level=value(fields.LEVELS),
        message=pl.coalesce(value(("msg", "message")), value(("event",))),
        **{name: value((name,)) for name in fields.TELLING},
    )
    message = pl.when(pl.col("message").is_not_null()).then(fields.with_telling(pl.col("message"))).otherwise("text")
    return values.select("time", "level", message=pl.when("fits").then(message))


def _access_groups(texts: pl.Series, layout: Layout) -> pl.DataFrame:
    """The event of a request is its method, the words of its path and the status; what varies is masked later."""
    groups = texts.str.extract_groups(layout.pattern).struct.unnest()
    path, status = fields.path_words(pl.col("path")), fields.status_words(pl.col("status"))
    message = pl.concat_str("method", path, status, separator=" ", ignore_nulls=True)  # what is no request has neither
    kept = [name for name in ("time", "level") if name in groups.columns]
    return groups.select(*kept, message=pl.when(pl.col("status").is_not_null()).then(message))
