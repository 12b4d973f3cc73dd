"""Recognition from the beginnings of the sources: the layout of each, the session key of all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError, UsageError
from isang.languages import Both
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.encodings import UTF_8, checked_encoding
from isang.logs.input.far_lines import far_lines, spread
from isang.logs.input.sources import Source
from isang.logs.parsing import layouts, timestamps
from isang.logs.parsing.inferred.recognise import SAMPLE_LINES
from isang.logs.parsing.known_layouts import KnownLayout, read_as_known
from isang.logs.parsing.records import SourceLayout, parse_chunk, split_lines
from isang.logs.parsing.regex import check_expression
from isang.logs.parsing.timeline import NO_TIME, RecordTimeline
from isang.logs.sessions.key_search import field_pattern, propose_key
from isang.logs.sessions.process_search import propose_process
from isang.logs.sessions.rule import SessionRule

_SAMPLE_LINES = 20_000
"""Maximum number of first lines of each source in which the session key is searched for."""
_LEAST_SAMPLE_LINES = 1_000
_ALL_SAMPLES_LINES = 100_000
"""Maximum number of lines over all sources: with many sources fewer lines of each are used, but at least
_LEAST_SAMPLE_LINES."""
_WANTED_WINDOWS = 200
_LEAST_WINDOW_LINES = 10
_SAMPLE_BYTES = 4 << 20
_SAMPLE_CHARACTERS = 1_000


@dataclass(frozen=True)
class Recognised:
    """How the sources are read."""

    sources: list[Source]
    layouts: list[SourceLayout]
    """Parallel to `sources`."""
    sample: pl.DataFrame
    """Records from the beginnings, cut short: `source` i32, `line`, `time`, `level`, `message`, `text`."""
    skipped: dict[str, str]
    """Files that a folder held and that cannot be read, with the reason."""


def session_rule(sample: pl.DataFrame, config: LogsConfig) -> SessionRule:
    """The rule from the settings, else a key suggested by the sample, else windows.

    `sample`: `text`, `time` of records of all sources.
    """
    rule = _rule_of_kind(sample, config)
    across = rule.across_sources if config.across_sources is None else config.across_sources
    return replace(rule, gap_seconds=config.gap_seconds or rule.gap_seconds, across_sources=across)


def _rule_of_kind(sample: pl.DataFrame, config: LogsConfig) -> SessionRule:
    if config.session_by not in ("auto", "none"):
        name = config.session_by.removeprefix("field:")
        pattern = config.session_by if name == config.session_by else field_pattern((name,))
        check_expression("--session-by", pattern)
        return SessionRule("key", *_asked(f"--session-by {config.session_by}"), pattern=pattern)
    if config.window_lines is not None:
        return SessionRule("lines", *_asked("--window"), size=config.window_lines)
    if config.window_seconds is not None:
        return SessionRule("seconds", *_asked("--window"), size=config.window_seconds)
    proposed = propose_key(sample) if config.session_by == "auto" else None
    if proposed is not None:
        return proposed
    if config.gap_seconds is not None:
        return SessionRule("gap", *_asked("--gap"))
    proposed = propose_process(sample) if config.session_by == "auto" else None
    if proposed is not None:
        return proposed
    size = window_lines(sample.height, config.default_window_lines)
    return SessionRule("lines", *_windows(size, config), size=size)


def _asked(option: str) -> Both:
    return Both(f"asked for with {option}", f"지정한 옵션: {option}")


def _windows(size: int, config: LogsConfig) -> Both:
    """Why windows are used although they were not requested."""
    why, why_ko = (
        ("no identifier groups the lines into many small sessions", "줄을 작은 세션 여럿으로 묶는 식별자가 없어")
        if config.session_by == "auto"
        else ("no key was wanted", "세션 키를 쓰지 않도록 지정되어")
    )
    where, where_ko = ("all logs together", "모든 로그를 합쳐") if config.across_sources else ("each log", "로그마다")
    return Both(
        f"{why}, so sessions are windows of {size} lines of {where}",
        f"{why_ko}, {where_ko} {size}줄씩 나눈 구간을 세션으로 삼았습니다",
    )


def window_lines(lines: int, largest: int) -> int:
    """The default window for a log of `lines` lines: small logs are divided into _WANTED_WINDOWS windows."""
    return min(largest, max(_LEAST_WINDOW_LINES, lines // _WANTED_WINDOWS))


def recognise_sources(sources: list[Source], config: LogsConfig, known: Sequence[KnownLayout] = ()) -> Recognised:
    """Examine the beginning of each source. Raises InputError for one that cannot be read, unless it was found in a
    folder with others."""
    zone = _checked_zone(config.timezone)
    given = None if config.layout == "auto" else layouts.from_pattern(config.layout)
    limit = max(_LEAST_SAMPLE_LINES, min(_SAMPLE_LINES, _ALL_SAMPLES_LINES // len(sources)))
    kept: list[Source] = []
    read_as: list[SourceLayout] = []
    samples: list[pl.DataFrame] = []
    skipped: dict[str, str] = {}
    encoding = None if config.encoding == "auto" else checked_encoding(config.encoding)
    for source in sources:
        source = replace(source, encoding=encoding)
        counts = ReadCounts()
        try:
            chunk = _first_lines(source, config, limit, counts)
        except InputError as error:
            if source.named:
                raise
            skipped[source.name] = str(error)
            continue
        some = spread(split_lines(chunk)["text"], far_lines(source, chunk, counts.encoding), SAMPLE_LINES)
        layout = read_as_known(
            some, known, given=given, zone=zone, reference=_reference(source, zone), date_order=config.date_order
        )
        samples.append(_sample(parse_chunk(chunk, layout).frame, layout, len(kept)))
        layout = replace(layout, doubts=(*layout.doubts, *_said_of_bytes(source, counts)))
        kept.append(replace(source, index=len(kept)))
        read_as.append(layout)
    if not kept:
        raise InputError(f"no log text was found: {'; '.join(skipped.values())}")
    return Recognised(kept, read_as, pl.concat(samples), skipped)


def _sample(records: pl.DataFrame, layout: SourceLayout, index: int) -> pl.DataFrame:
    timeline = RecordTimeline(layout.clock, layout.reference, None)
    settled = [*timeline.add(records.with_columns(pl.col("time").cast(pl.Int64))), *timeline.finish()]
    time = pl.concat(settled)["time"].replace(NO_TIME, None).cast(timestamps.UTC_TIME)
    records = records.with_columns(time)
    short = pl.col("message", "text").str.slice(0, _SAMPLE_CHARACTERS)
    return records.select(pl.lit(index, dtype=pl.Int32).alias("source"), "line", "time", "level", short)


def _said_of_bytes(source: Source, counts: ReadCounts) -> Iterator[Both]:
    if counts.encoding != UTF_8 and source.encoding is None:
        yield Both(
            f"it is no UTF-8; its bytes were taken as {counts.encoding}; --encoding NAME if that is wrong",
            f"UTF-8이 아니어서 {counts.encoding} 인코딩으로 읽었습니다. 틀리면 --encoding NAME을 주세요",
        )
    if counts.leading_nuls:
        yield Both(
            f"{counts.leading_nuls:,} zero bytes at its head were skipped",
            f"맨 앞의 NUL 바이트 {counts.leading_nuls:,}개를 건너뛰었습니다",
        )


def _first_lines(source: Source, config: LogsConfig, limit: int, counts: ReadCounts) -> Chunk:
    """The first lines of a source; one empty line where it has none."""
    chunks = read_chunks(source, counts, max_line_bytes=config.max_line_bytes, chunk_bytes=_SAMPLE_BYTES)
    text = next((chunk.text for chunk in chunks), "")
    return Chunk("\n".join(text.split("\n", limit)[:limit]), 1, None)


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"logs.timezone must be a zone such as UTC or Asia/Seoul, got {name!r}; set --timezone"
        ) from error
    return name


def _reference(source: Source, zone: str) -> datetime:
    """When the file was last written, in the zone of its times."""
    return datetime.fromtimestamp(source.state().st_mtime, UTC).astimezone(ZoneInfo(zone))
