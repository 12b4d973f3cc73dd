"""The stage from raw logs to a dataset."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from isang.config import LogsConfig
from isang.errors import InputError
from isang.files import folder_being_written
from isang.logs.account import SessionTotals, SourceAccount, account_for
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.sources import Source, find_sources
from isang.logs.input.threads import ahead, in_order
from isang.logs.parsing import masks
from isang.logs.parsing.digit_cache import ChunkReader, ParsedChunk, Search
from isang.logs.parsing.known_layouts import known_of
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.parsing.records import SourceLayout, record_texts
from isang.logs.parsing.timeline import NO_TIME, Timeline
from isang.logs.redaction import redacted, redacted_keys
from isang.logs.rules import Rules
from isang.logs.sessions.external_sort import SortedRows
from isang.logs.sessions.grouping import Grouper, order_of
from isang.logs.sessions.labels import LabelJoin, read_labels
from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset, write_account, write_sessions
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.novelty import told
from isang.logs.templates.slots import SlotSample, slots_of
from isang.progress import Progress, say

_SESSION_ORDER = ("start", "session_id")


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
    redact: bool = LogsConfig.redact

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The whole text of the records that begin at (source_index, line), by reading the sources once more.

        Without secrets, unless the settings ask for them.
        """
        by_source: dict[int, set[int]] = {}
        for source_index, line in wanted:
            by_source.setdefault(source_index, set()).add(line)
        found: dict[tuple[int, int], str] = {}
        for source_index, lines in sorted(by_source.items()):
            chunks = read_chunks(self.sources[source_index], ReadCounts(), max_line_bytes=self.max_line_bytes)
            texts = record_texts(chunks, self.read_as[source_index], lines)
            shown = redacted if self.redact else str
            found.update({(source_index, line): shown(text) for line, text in texts.items()})
        return found


def prepare(
    paths: Sequence[str], config: LogsConfig, *, labels: Path | None = None, rules: Rules | None = None
) -> Prepared:
    """Raw logs to a dataset in memory.

    Without `rules`, layouts and session key are recognised and templates learned. With the rules of a trained model,
    its session rule is applied and its templates are only matched; what they do not fit gets events after theirs.
    Raises InputError and UsageError for what cannot be used.
    """
    work = _Preparation(paths, config, labels, rules)
    with SortedRows(_SESSION_ORDER, None) as sessions:
        work.read_into(sessions)
        found = pl.concat([work.finished(part) for part in sessions.batches()])
    dataset = Dataset(found.select(SESSIONS_SCHEMA.names()), *work.account())
    lines = found.select("session_id", "source_index", "line")
    return Prepared(dataset, lines, work.found.sources, work.found.layouts, config.max_line_bytes, config.redact)


def prepare_folder(
    paths: Sequence[str], folder: Path, config: LogsConfig, *, labels: Path | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """Raw logs to a dataset folder, in memory that does not grow with the logs; returns the content of meta.json.

    Raises what `prepare` raises, and OutputError where `folder` cannot be written.
    """
    with folder_being_written(folder, overwrite=overwrite) as beside:
        work = _Preparation(paths, config, labels, None, beside, with_lines=False)
        with SortedRows(_SESSION_ORDER, beside) as sessions:
            work.read_into(sessions)
            write_sessions(map(work.finished, ahead(sessions.batches())), beside)
        templates, meta = work.account()
        write_account(templates, meta, beside)
        work.slots().write_parquet(beside / "slots.parquet")
    return meta


class _Preparation:
    """Raw logs on their way: records in the order of their sessions, then sessions in the order of their start.

    What does not fit in memory meanwhile lies in `directory` (the system's temporary folder where None).
    """

    def __init__(
        self,
        paths: Sequence[str],
        config: LogsConfig,
        labels: Path | None,
        rules: Rules | None,
        directory: Path | None = None,
        *,
        with_lines: bool = True,
    ) -> None:
        self._config = config
        self._directory = directory
        self._labels = LabelJoin(read_labels(labels)) if labels else None
        self.found = recognise_sources(find_sources(paths), config, rules.layouts if rules else ())
        self._rules = rules or replace(
            Rules.new(config, session_rule(self.found.sample, config)), layouts=known_of(self.found.layouts)
        )
        self._events = EventTable(self._rules)
        self._accounts = [
            SourceAccount(source, layout) for source, layout in zip(self.found.sources, self.found.layouts, strict=True)
        ]
        self._totals = SessionTotals()
        self._sample = SlotSample()
        names = [source.name for source in self.found.sources]
        self._grouper = Grouper(
            self._rules.session, names, max_events=self._rules.max_session_events, with_lines=with_lines
        )

    def read_into(self, sessions: SortedRows) -> None:
        """All sessions, as `Grouper` makes them."""
        with SortedRows(order_of(self._rules.session), self._directory) as records:
            self._read(records)
            self._group(records, sessions)

    def finished(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """A part of the sessions as the dataset has them, labelled and counted."""
        sessions = with_times(sessions)
        self._totals.add(sessions)
        sessions = sessions if self._labels is None else self._labels.attach(sessions)
        return (
            sessions.with_columns(redacted_keys(sessions["session_id"], sessions["source"]))
            if self._config.redact
            else sessions
        )

    def account(self) -> tuple[pl.DataFrame, dict[str, Any]]:
        """(templates with their counts, content of meta.json), once all sessions are through."""
        meta = account_for(
            self._accounts, self.found.skipped, self._totals, self._grouper.cut, self._templates, self._rules,
            self._config,
        )  # fmt: skip
        meta["redacted"] = dict(sorted(self._events.redacted.items()))
        if not self._rules.templates.height:
            meta["novelty"] = self._novelty
            meta["warnings"] += [sentence for sentence in [told(self._novelty)] if sentence]
        meta["warnings"] += [sentence for sentence in [self._rules.of_other_readers()] if sentence]
        if self._labels is not None:
            meta["labels"] = self._labels.report()
        for warning in meta["warnings"]:
            say(f"warning: {warning}")
        return self._templates, meta

    def slots(self) -> pl.DataFrame:
        """What stands in the slots of the templates, see slots.py."""
        texts = dict(self._templates.select("event", "template").iter_rows())
        messages = ((int(self._event_of[number]), message) for number, message in self._sample.messages())
        return slots_of(texts, messages, redacted if self._config.redact else str)

    def _read(self, records: SortedRows) -> None:
        """Add all records that belong to a session to `records`, see `Grouper`; `message` stands for the event."""
        rule = self._rules.session
        sizes = [account.source.state().st_size for account in self._accounts]
        has_time = False
        with Progress("reading logs", total=sum(sizes), unit="bytes on disk") as progress:
            parsed_chunks = in_order(_read, self._chunks())
            done = 0
            for account, chunks in groupby(parsed_chunks, key=itemgetter(0)):
                self._events.begin_log()
                timeline = Timeline(account.layout.clock, account.layout.reference, self._directory)
                for _, parsed in chunks:
                    _count_lines(parsed, account, self._accounts)
                    for part in timeline.add(self._numbered(parsed, account.source)):
                        records.add(part)
                    read = sum(sizes[: account.source.index]) + account.read.bytes_on_disk
                    progress.advance(read - done)
                    done = read
                for part in timeline.finish():
                    records.add(part)
                has_time |= timeline.has_time
        if not records.height:
            raise InputError(_nothing_found(self._accounts, self._rules))
        if rule.kind == "seconds" and not has_time:
            raise InputError(
                "windows of seconds need times, but no line carries one; use --window with a number of lines"
            )

    def _chunks(self) -> Iterator[tuple[SourceAccount, ChunkReader, Chunk]]:
        expression = masks.compiled(self._rules.masks)
        for account in self._accounts:
            reader = ChunkReader(Search(account.layout, expression, self._rules.session.pattern))
            for chunk in read_chunks(account.source, account.read, max_line_bytes=self._config.max_line_bytes):
                yield account, reader, chunk

    def _numbered(self, parsed: ParsedChunk, source: Source) -> pl.DataFrame:
        """The records of a chunk that belong to a session, once for each key that they name."""
        frame = parsed.records.frame
        stream = 0 if self._rules.session.joins_sources else source.stream
        numbers = self._events.number(parsed.masked, frame["level"])
        if not self._rules.templates.height:
            self._sample.add(numbers.gather(parsed.examples["row"]), parsed.examples)
        records = frame.select(
            "line", "alert", pl.col("time").cast(pl.Int64), message=pl.lit(numbers),
            source=pl.lit(source.index, dtype=pl.Int32), stream=pl.lit(stream, dtype=pl.Int32),
        )  # fmt: skip
        if parsed.keys is None:
            return records
        return records[parsed.keys["row"]].with_columns(parsed.keys["key"], number=parsed.keys["key"].hash())

    def _group(self, records: SortedRows, sessions: SortedRows) -> None:
        """Records to sessions; the templates are settled and counted on the way."""
        event_of, templates = self._events.finish()
        self._event_of = event_of
        self._novelty = self._events.novelty(event_of, templates)
        counts = np.zeros(templates.height, dtype=np.int64)
        with Progress("grouping into sessions", total=records.height, unit="records") as progress:
            for batch in ahead(records.batches()):
                event = event_of[batch["message"].to_numpy()]
                counts += np.bincount(event, minlength=len(counts))
                sessions.add(self._grouper.add(batch.drop("message").with_columns(event=pl.Series(event))))
                progress.advance(batch.height)
        sessions.add(self._grouper.finish())
        self._templates = templates.with_columns(count=pl.Series(counts)).select(TEMPLATES_SCHEMA.names())


def with_times(sessions: pl.DataFrame) -> pl.DataFrame:
    """Sessions as `Grouper` makes them, as the dataset has them before they are labelled."""
    times = [pl.col(name).replace(NO_TIME, None).cast(pl.Datetime("us", "UTC")) for name in ("start", "end")]
    return sessions.with_columns(*times, kind=pl.lit(None, dtype=pl.String))


def _read(item: tuple[SourceAccount, ChunkReader, Chunk]) -> tuple[SourceAccount, ParsedChunk]:
    account, reader, chunk = item
    return account, reader.read(chunk)


def _count_lines(parsed: ParsedChunk, account: SourceAccount, accounts: Sequence[SourceAccount]) -> None:
    records = parsed.records
    if any(other.records for other in accounts if other.source.stream == account.source.stream):
        account.continued += records.leading
    else:  # there is no record that these lines could continue, in this file or in an older one of a rotated set
        account.not_matched += records.leading
    account.continued += records.continued
    account.blank += records.blank
    account.records += records.frame.height
    account.without_time += records.frame["time"].null_count()
    if parsed.keys is not None:
        account.without_key += records.frame.height - parsed.keys["row"].n_unique()


def _nothing_found(accounts: list[SourceAccount], rules: Rules) -> str:
    names = ", ".join(account.source.name for account in accounts[:5])
    lines = sum(account.read.lines for account in accounts)
    records = sum(account.records for account in accounts)
    if lines == 0:
        return f"{names}: empty, there is nothing to prepare"
    cut = sum(account.read.cut_lines for account in accounts)
    if records == 0 and cut == lines:
        return f"{names}: all lines are longer than the limit and were cut; raise max_line_bytes under [logs]"
    if records == 0:
        return f"{names}: none of the {lines:,} lines begins a record; describe the lines with --layout"
    none_names_it = f"none of the {records:,} records of {names} names the session key"
    if rules.templates.height:
        trained_with = f"{rules.session.pattern!r} that the model was trained with"
        return f"{none_names_it} {trained_with}; give logs of the same kind, or train on these"
    return f"{none_names_it} {rules.session.reason}; choose another, or windows with --window 100"
