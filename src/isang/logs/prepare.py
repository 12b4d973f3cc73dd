"""The stage from raw logs to a dataset."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError
from isang.logs import clocks, masks
from isang.logs.account import SourceAccount, account_for
from isang.logs.events import EventTable, numbered
from isang.logs.labels import attach_labels, read_labels
from isang.logs.parallel import in_order
from isang.logs.read import Chunk, ReadCounts, read_chunks
from isang.logs.recognition import recognise_sources, session_rule
from isang.logs.records import Records, SourceLayout, parse_chunk, record_texts
from isang.logs.rules import Rules
from isang.logs.sessions import group, keys_of
from isang.logs.sources import Source, find_sources
from isang.logs.store import TEMPLATES_SCHEMA, Dataset
from isang.progress import Progress, say


@dataclass(frozen=True)
class Prepared:
    """A dataset and where its events stand in the logs."""

    dataset: Dataset
    lines: pl.DataFrame
    """One row per session in the same order: `session_id`, `source_index` list<int32>, `line` list<int64> (the first
    line of each event's record, from 1), parallel to the session's events."""
    sources: list[Source]
    read_as: list[SourceLayout] = field(repr=False)
    """How each source was read, parallel to `sources`."""
    max_line_bytes: int = LogsConfig.max_line_bytes

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The whole text of the records that begin at (source_index, line), by reading the sources once more."""
        by_source: dict[int, set[int]] = {}
        for source_index, line in wanted:
            by_source.setdefault(source_index, set()).add(line)
        found: dict[tuple[int, int], str] = {}
        for source_index, lines in sorted(by_source.items()):
            chunks = read_chunks(self.sources[source_index], ReadCounts(), max_line_bytes=self.max_line_bytes)
            texts = record_texts(chunks, self.read_as[source_index], lines)
            found.update({(source_index, line): text for line, text in texts.items()})
        return found


def prepare(
    paths: Sequence[str], config: LogsConfig, *, labels: Path | None = None, rules: Rules | None = None
) -> Prepared:
    """Raw logs to a dataset.

    Without `rules`, layouts and session key are recognised and templates learned. With the rules of a trained model,
    its session rule is applied and its templates are only matched; what they do not fit gets events after theirs.
    Raises InputError and UsageError for what cannot be used.
    """
    known_labels = read_labels(labels) if labels else None
    found = recognise_sources(find_sources(paths), config)
    accounts = [SourceAccount(source, layout) for source, layout in zip(found.sources, found.layouts, strict=True)]
    if rules is None:
        rules = Rules.new(config, session_rule(found.sample, config))
    events = EventTable(rules)
    records, keys = _read_records(accounts, rules, events, config)
    if not records:
        raise InputError(_nothing_found(accounts, rules))
    event_of, templates = events.finish()
    records["event"] = pl.Series("event", event_of[records.pop("message").to_numpy()])
    templates = _counted(templates, records["event"])
    names = [source.name for source in found.sources]
    streams = [source.stream for source in found.sources]
    grouped = group(
        records, rules.session, keys=keys, names=names, streams=streams, max_events=rules.max_session_events
    )
    meta = account_for(accounts, found.skipped, grouped, templates, rules, config)
    sessions = grouped.sessions
    if known_labels:
        sessions, report = attach_labels(sessions, known_labels)
        meta["labels"] = {"source": known_labels.source, **report.to_dict()}
    for warning in meta["warnings"]:
        say(f"warning: {warning}")
    dataset = Dataset(sessions, templates, meta)
    return Prepared(dataset, grouped.lines, found.sources, found.layouts, config.max_line_bytes)


def _read_records(
    accounts: list[SourceAccount], rules: Rules, events: EventTable, config: LogsConfig
) -> tuple[dict[str, pl.Series], list[str]]:
    """All records that belong to a session, in the order of reading, and the session keys.

    Columns `key` i32 (position among the keys; kind key only), `source` i32, `line` u32, `time` i64 (microseconds
    since 1970 UTC or null), `message` i32 (see EventTable), `alert` bool or null; no columns without records.
    """
    expression = masks.compiled(rules.masks)
    keys: dict[str, int] = {}
    parts: dict[int, list[pl.DataFrame]] = {}
    sizes = [account.source.path.stat().st_size for account in accounts]
    with Progress("reading logs", total=sum(sizes), unit="bytes on disk") as progress:
        done = 0
        for account, parsed in in_order(
            lambda item: _parsed_chunk(*item, expression, rules.session.pattern), _chunks(accounts, config)
        ):
            _count_lines(account, parsed)
            frame = parsed.records.frame
            part = frame.select(
                "line", pl.col("time").cast(pl.Int64), "alert",
                message=pl.lit(events.number(parsed.masked, frame["level"])),
            )  # fmt: skip
            if parsed.keys is not None:
                part = _with_keys(part, parsed.keys, keys)
            parts.setdefault(account.source.index, []).append(part)
            read = sum(sizes[: account.source.index]) + account.read.bytes_on_disk
            progress.advance(read - done)
            done = read
    records = [_of_one_source(parts.pop(index), accounts[index]) for index in sorted(parts)]
    names = records[0].columns if any(part.height for part in records) else []
    return {name: pl.concat([part.drop_in_place(name) for part in records]) for name in names}, list(keys)


@dataclass(frozen=True)
class _Parsed:
    """What can be said of a chunk without knowing the others."""

    records: Records
    masked: pl.Series
    """The masked messages of the records."""
    keys: pl.DataFrame | None
    """`row`, `key`, see sessions.keys_of; None where sessions have no key."""


def _chunks(accounts: list[SourceAccount], config: LogsConfig) -> Iterator[tuple[SourceAccount, Chunk]]:
    for account in accounts:
        for chunk in read_chunks(account.source, account.read, max_line_bytes=config.max_line_bytes):
            yield account, chunk


def _parsed_chunk(
    account: SourceAccount, chunk: Chunk, expression: str, key_pattern: str | None
) -> tuple[SourceAccount, _Parsed]:
    records = parse_chunk(chunk, account.layout)
    masked = masks.masked(records.frame["message"], expression)
    keys = None if key_pattern is None else keys_of(records.frame["text"], key_pattern)
    return account, _Parsed(replace(records, frame=records.frame.drop("text", "message")), masked, keys)


def _count_lines(account: SourceAccount, parsed: _Parsed) -> None:
    records = parsed.records
    if account.records == 0:  # there is no record that the first lines could continue
        account.not_matched += records.leading
    else:
        account.continued += records.leading
    account.continued += records.continued
    account.blank += records.blank
    account.records += records.frame.height
    account.without_time += records.frame["time"].null_count()
    if parsed.keys is not None:
        account.without_key += records.frame.height - parsed.keys["row"].n_unique()


def _with_keys(part: pl.DataFrame, found: pl.DataFrame, keys: dict[str, int]) -> pl.DataFrame:
    """The records that name a key, once for each key that they name; new keys are added to `keys`."""
    distinct = found["key"].unique(maintain_order=True)
    numbers = pl.Series([keys.setdefault(key, len(keys)) for key in distinct.to_list()], dtype=pl.Int32)
    return part[found["row"]].with_columns(key=numbered(found["key"], distinct, numbers))


def _of_one_source(parts: list[pl.DataFrame], account: SourceAccount) -> pl.DataFrame:
    """The records of a source with times that run on; a record without a time takes that of the one before."""
    records = pl.concat(parts)
    times = clocks.unrolled(records["time"].cast(pl.Datetime("us")), account.layout.clock).cast(pl.Int64)
    times = times.fill_null(strategy="forward").fill_null(strategy="backward")
    return records.with_columns(time=times, source=pl.lit(account.source.index, dtype=pl.Int32))


def _counted(templates: pl.DataFrame, events: pl.Series) -> pl.DataFrame:
    """The templates with the number of their records in sessions."""
    counts = events.alias("event").to_frame().group_by("event").agg(count=pl.len().cast(pl.Int64))
    return (
        templates.drop("count").join(counts, on="event", how="left", maintain_order="left")
        .with_columns(pl.col("count").fill_null(0))
        .select(TEMPLATES_SCHEMA.names())
    )  # fmt: skip


def _nothing_found(accounts: list[SourceAccount], rules: Rules) -> str:
    names = ", ".join(account.source.name for account in accounts[:5])
    lines = sum(account.read.lines for account in accounts)
    records = sum(account.records for account in accounts)
    if lines == 0:
        return f"{names}: empty, there is nothing to prepare"
    if records == 0:
        return f"{names}: none of the {lines:,} lines begins a record; describe the lines with --layout"
    return (
        f"none of the {records:,} records names the session key {rules.session.pattern!r}; "
        "choose another with --session-by, or windows with --window 100"
    )
