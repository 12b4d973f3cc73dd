"""Every record with its event, from several sets of logs read together, in memory: for small logs."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError
from isang.logs.input.chunks import ReadCounts, read_chunks
from isang.logs.input.sources import Source, find_sources
from isang.logs.parsing import masks
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.parsing.records import SourceLayout, parse_chunk, record_texts
from isang.logs.redaction import redacted
from isang.logs.rules import Rules
from isang.logs.templates.event_table import EventTable

MAX_RECORDS = 5_000_000
"""More do not fit in the memory of a small machine."""


@dataclass(frozen=True)
class EventRecords:
    """The records of R sets of logs, such as runs, whose templates were learned together."""

    frame: pl.DataFrame
    """A row per record, in the order of the sets, sources and lines: `run` i32, `source` i32, `line` u32, `time` (UTC
    or null), `level` str or null, `message` str, `event` i32."""
    templates: pl.DataFrame
    """store.TEMPLATES_SCHEMA."""
    sources: list[Source]
    read_as: list[SourceLayout] = field(repr=False)
    max_line_bytes: int = LogsConfig.max_line_bytes
    redact: bool = LogsConfig.redact

    def raw(self, source: int, lines: Sequence[int]) -> dict[int, str]:
        """The whole text of the records of a source that begin at `lines`, by reading it once more."""
        chunks = read_chunks(self.sources[source], ReadCounts(), max_line_bytes=self.max_line_bytes)
        shown = redacted if self.redact else str
        return {line: shown(text) for line, text in record_texts(chunks, self.read_as[source], set(lines)).items()}


def read_event_records(runs: Sequence[Sequence[str]], config: LogsConfig) -> EventRecords:
    """Read sets of logs, each given as files, folders and globs. Raises InputError for what cannot be used."""
    sources, run_of = _sources_of(runs)
    found = recognise_sources(sources, config)
    if len(found.sources) < len(sources):
        raise InputError(f"cannot read all logs: {'; '.join(found.skipped.values())}")
    rules = Rules.new(config, session_rule(found.sample, replace(config, session_by="none")))
    expression, events, parts, count = masks.compiled(rules.masks), EventTable(rules), [], 0
    for source, layout, run in zip(found.sources, found.layouts, run_of, strict=True):
        for chunk in read_chunks(source, ReadCounts(), max_line_bytes=config.max_line_bytes):
            frame = parse_chunk(chunk, layout).frame.select("line", "time", "level", "message")
            number = events.number(masks.masked(frame["message"], expression), frame["level"])
            place = {"run": run, "source": source.index}
            parts.append(
                frame.with_columns(number.alias("number"), **{name: pl.lit(at, pl.Int32) for name, at in place.items()})
            )
            count += frame.height
            if count > MAX_RECORDS:
                raise InputError(
                    f"the logs have more than {MAX_RECORDS:,} records; use isang run, which reads logs of any size"
                )
    if not count:
        raise InputError(f"{', '.join(source.name for source in sources[:5])}: no line begins a record")
    records = pl.concat(parts)
    event_of, templates = events.finish()
    event = pl.Series("event", event_of[records["number"].to_numpy()], dtype=pl.Int32)
    counts = np.bincount(event.to_numpy(), minlength=templates.height)
    frame = records.drop("number").with_columns(event)
    return EventRecords(
        frame,
        templates.with_columns(count=pl.Series(counts)),
        found.sources,
        found.layouts,
        config.max_line_bytes,
        config.redact,
    )


def _sources_of(runs: Sequence[Sequence[str]]) -> tuple[list[Source], list[int]]:
    """The sources of all runs, numbered on, and the run of each. Raises InputError for a log that two runs share."""
    sources: list[Source] = []
    run_of: list[int] = []
    for run, paths in enumerate(runs):
        for source in find_sources(paths):
            if any(source.path.resolve() == other.path.resolve() for other in sources):
                raise InputError(f"{source.path} was named twice; each log belongs to one run")
            sources.append(replace(source, index=len(sources), name=_shown(source, paths)))
            run_of.append(run)
    return sources, run_of


def _shown(source: Source, paths: Sequence[str]) -> str:
    """The path as the user would find it."""
    return source.name if "-" in paths else str(source.path)
