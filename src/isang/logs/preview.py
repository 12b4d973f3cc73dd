"""What preparing would do, from the beginnings of the logs, without writing anything."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from isang.config import LogsConfig
from isang.logs.input.sources import find_sources
from isang.logs.parsing import masks, timestamps
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.redaction import redacted_texts
from isang.logs.rules import Rules
from isang.logs.sessions.rule import SessionRule
from isang.logs.templates.event_table import EventTable


@dataclass(frozen=True)
class Preview:
    """What was recognised."""

    sources: list[tuple[str, str, str]]
    """(name, layout with the share of the lines that it parses, what was assumed about the times)."""
    records: pl.DataFrame
    """The first records: `source` (name), `line`, `time`, `level`, `message`; some of each source, if there are few."""
    rule: SessionRule
    templates: list[str]
    """The first templates of the sample."""
    doubts: list[str]
    """What the logs leave open, with the flag that settles it, and which files were left out, one sentence each."""


def preview(paths: Sequence[str], config: LogsConfig, *, records: int = 10, templates: int = 20) -> Preview:
    """Look at the beginnings of the logs. Raises what `prepare` raises."""
    found = recognise_sources(find_sources(paths), config)
    rule = session_rule(found.sample, config)
    rules = Rules.new(config, rule)
    events = EventTable(rules)
    events.number(masks.masked(found.sample["message"], masks.compiled(rules.masks)), found.sample["level"])
    _, learned = events.finish()
    sources, doubts = [], []
    for source, layout in zip(found.sources, found.layouts, strict=True):
        shares = ", ".join(f"{name.name} ({share:.0%})" for name, share in layout.layouts)
        envelope = f"{layout.container}: " if layout.container else ""
        times = timestamps.described(layout.clock, zone=layout.zone, reference=layout.reference, zoned=layout.zoned).en
        if source.state().st_size == 0:
            shares, times = "empty", "there is nothing to read"
        doubts += [f"{source.name}: {doubt.en}" for doubt in layout.doubts]
        sources.append((source.name, envelope + shares, times))
    names = pl.Series([source.name for source in found.sources])
    each = -(-records // len(sources))
    first = found.sample.filter(pl.int_range(pl.len()).over("source") < each).head(records)
    message = redacted_texts(first["message"]) if config.redact else first["message"]
    first = first.with_columns(names.gather(first["source"]).alias("source"), message)
    return Preview(
        sources,
        first.select("source", "line", "time", "level", "message"),
        rule,
        learned["template"].head(templates).to_list(),
        [f"left out: {reason}" for reason in found.skipped.values()] + doubts,
    )
