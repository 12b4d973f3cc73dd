"""The stage from raw logs to a dataset."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.config import LogsConfig
from isang.errors import InputError
from isang.files import folder_being_written
from isang.logs.account import LineCounts, SourceAccount, account_for
from isang.logs.finishing import SESSION_ORDER, Finishing
from isang.logs.input.chunks import Chunk, ReadCounts, read_chunks
from isang.logs.input.line_index import LineIndex
from isang.logs.input.sources import Source, find_sources
from isang.logs.input.threads import ahead, in_order
from isang.logs.line_counts import FILE, LinesOverTime, counted
from isang.logs.parsing import masks
from isang.logs.parsing.digit_cache import ChunkReader, ParsedChunk, Search
from isang.logs.parsing.known_layouts import known_of
from isang.logs.parsing.recognition import recognise_sources, session_rule
from isang.logs.parsing.timeline import RecordTimeline
from isang.logs.places import RawLines, ReadLog, write_line_index
from isang.logs.redaction import redacted
from isang.logs.rules import Rules
from isang.logs.sessions.external_sort import SortedRows
from isang.logs.sessions.grouping import Grouper, order_of
from isang.logs.sessions.labels import LabelJoin, read_labels
from isang.logs.slots.slot_series import FILE as SERIES
from isang.logs.slots.slot_series import series_of
from isang.logs.store import SESSIONS_SCHEMA, TEMPLATES_SCHEMA, Dataset, Rows, write_account
from isang.logs.templates.event_table import EventTable
from isang.logs.templates.novelty import told
from isang.logs.templates.slots import SlotSample, seen_values, slots_of
from isang.progress import Progress, say


@dataclass(frozen=True)
class Prepared:
    """A dataset and the positions of its events in the logs."""

    dataset: Dataset
    lines: pl.DataFrame
    """One row per session in the same order: `session_id`, `source_index` list<int32>, `line` list<int64> (the first
    line of each event's record, from 1), parallel to the session's events."""
    logs: RawLines = field(repr=False)

    @property
    def sources(self) -> list[Source]:
        """The logs, in the order in which they were read."""
        return [log.source for log in self.logs.logs]

    def places(self, rows: Rows) -> pl.DataFrame:
        """`source_index` and `line` of each event of the sessions `rows`, in their order."""
        return self.lines[rows].drop("session_id")

    def raw(self, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], str]:
        """The texts of the records that begin at (source_index, line), see RawLines."""
        return self.logs.texts(wanted)


def prepare(
    paths: Sequence[str], config: LogsConfig, *, labels: Path | None = None, rules: Rules | None = None
) -> Prepared:
    """Raw logs to a dataset in memory.

    Without `rules`, layouts and session key are recognised and templates learned. With the rules of a trained model,
    its session rule is applied and its templates are only matched; what they do not fit gets events after theirs.
    Raises InputError and UsageError for what cannot be used.
    """
    work = Preparation(paths, config, labels, rules)
    with SortedRows(SESSION_ORDER, None) as sessions, work.over_time:
        work.read_into(sessions)
        found = pl.concat([work.finishing.finished(part) for part in sessions.batches()])
    dataset = Dataset(found.select(SESSIONS_SCHEMA.names()), *work.account())
    lines = found.select("session_id", "source_index", "line")
    return Prepared(dataset, lines, work.raw_lines())


def prepare_folder(
    paths: Sequence[str],
    folder: Path,
    config: LogsConfig,
    *,
    labels: Path | None = None,
    rules: Rules | None = None,
    overwrite: bool = False,
    preparation: "Callable[..., Preparation] | None" = None,
) -> dict[str, Any]:
    """Raw logs to a dataset folder, in memory that does not grow with the logs; returns the content of meta.json.

    The logs are read once; the folder says where their lines lie. `preparation` is how the work is done, on this
    machine by default. Raises what `prepare` raises, and OutputError where `folder` cannot be written.
    """
    with folder_being_written(folder, overwrite=overwrite) as beside:
        work = (preparation or Preparation)(paths, config, labels, rules, beside)
        with work.over_time:
            work.write_sessions(beside)
            write_line_index(work.raw_lines().logs, beside)
            counts = work.lines_over_time()
            counts.write_parquet(beside / FILE)
        templates, meta = work.account()
        write_account(templates, meta, beside)
        slots, series = work.slots(counts)
        slots.write_parquet(beside / "slots.parquet")
        series.write_parquet(beside / SERIES)
    return meta


class Preparation:
    """Raw logs in preparation: records in the order of their sessions, then sessions in the order of their start.

    What does not fit into memory is stored in `directory` (None: the system's temporary folder).
    """

    def __init__(
        self,
        paths: Sequence[str],
        config: LogsConfig,
        labels: Path | None,
        rules: Rules | None,
        directory: Path | None = None,
    ) -> None:
        self._config = config
        self._directory = directory
        self.finishing = Finishing(LabelJoin(read_labels(labels)) if labels else None, config.redact)
        """What is done to sessions before they are written."""
        self.found = recognise_sources(find_sources(paths), config, rules.layouts if rules else ())
        self._rules = rules or replace(
            Rules.new(config, session_rule(self.found.sample, config)), layouts=known_of(self.found.layouts)
        )
        self._events = EventTable(self._rules)
        self._indexes = [LineIndex() for _ in self.found.sources]
        self._accounts = [
            SourceAccount(source, layout, ReadCounts(index=index))
            for source, layout, index in zip(self.found.sources, self.found.layouts, self._indexes, strict=True)
        ]
        self._sample = SlotSample()
        self.over_time = LinesOverTime(directory)
        """All lines by their times; a context manager that is open while the logs are read."""
        names = [source.name for source in self.found.sources]
        self._grouper = Grouper(self._rules.session, names, max_events=self._rules.max_session_events)

    def read_into(self, sessions: SortedRows) -> None:
        """All sessions, as `Grouper` makes them."""
        with SortedRows(order_of(self._rules.session), self._directory) as records:
            self._read(records)
            self._group(records, sessions)

    def write_sessions(self, folder: Path) -> None:
        """Read the logs and write `sessions.parquet` and `places.parquet`."""
        with SortedRows(SESSION_ORDER, folder) as sessions:
            self.read_into(sessions)
            parts = ahead(sessions.batches())
            self.finishing.write(parts, folder / "sessions.parquet", folder / "places.parquet", folder)

    def raw_lines(self) -> RawLines:
        """The way back to the lines, once all logs have been read."""
        logs = [
            ReadLog(each.source, each.layout, each.read.encoding, each.read.leading_nuls, index.table())
            for each, index in zip(self._accounts, self._indexes, strict=True)
        ]
        return RawLines(logs, self._config.max_line_bytes, self._config.redact)

    def account(self) -> tuple[pl.DataFrame, dict[str, Any]]:
        """(templates with their counts, content of meta.json), once all sessions are through."""
        meta = account_for(
            self._accounts, self.found.skipped, self.finishing.totals, self._cut, self._templates, self._rules,
            self._config,
        )  # fmt: skip
        meta["redacted"] = dict(sorted(self._events.redacted.items()))
        more = [self._rules.of_other_readers()]
        if not self._rules.templates.height:
            meta["novelty"] = self._novelty
            more.append(told(self._novelty))
        for said in more:
            if said is not None:
                meta["warnings"].append(said.en)
                meta["warnings_ko"].append(said.ko)
        if self.finishing.labels is not None:
            meta["labels"] = self.finishing.labels.report()
        for warning in meta["warnings"]:
            say(f"warning: {warning}")
        return self._templates, meta

    def slots(self, over_time: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The slot values of the templates, see slots.py, and the values over time, see slot_series.py."""
        texts = dict(self._templates.select("event", "template").iter_rows())
        messages = [one._replace(number=int(self._event_of[one.number])) for one in self._sample.messages()]
        seen, shown = seen_values(texts, messages), redacted if self._config.redact else str
        return slots_of(texts, seen, shown), series_of(texts, messages, seen, over_time, shown)

    def lines_over_time(self) -> pl.DataFrame:
        """The line counts of each event over time, see line_counts.py."""
        return self.over_time.table(self._event_of)

    def _read(self, records: SortedRows) -> None:
        """Add all records that belong to a session to `records`, see `Grouper`; with `message` in place of the
        event."""
        sizes = [account.source.state().st_size for account in self._accounts]
        has_time = False
        with Progress("reading logs", total=sum(sizes), unit="bytes on disk") as progress:
            parsed_chunks = in_order(_read, self._chunks())
            done = 0
            for account, chunks in groupby(parsed_chunks, key=itemgetter(0)):
                self._events.begin_log()
                timeline, of_all = (
                    RecordTimeline(account.layout.clock, account.layout.reference, self._directory) for _ in range(2)
                )
                for _, parsed in chunks:
                    count_lines(LineCounts.of(parsed), account, self._accounts)
                    numbers = self._events.number(parsed.masked, parsed.records.frame["level"])
                    for part in timeline.add(self._numbered(parsed, numbers, account.source)):
                        records.add(part)
                    for part in of_all.add(all_records(parsed, numbers)):
                        self.over_time.add(counted(part, account.source.index))
                    read = sum(sizes[: account.source.index]) + account.read.bytes_on_disk
                    progress.advance(read - done)
                    done = read
                for part in timeline.finish():
                    records.add(part)
                for part in of_all.finish():
                    self.over_time.add(counted(part, account.source.index))
                has_time |= timeline.has_time
        self.check_records(records.height, has_time=has_time)

    def check_records(self, number: int, *, has_time: bool) -> None:
        """Raise InputError if this number of records makes no dataset; `has_time`: whether some log has times."""
        if not number:
            raise InputError(_nothing_found(self._accounts, self._rules))
        if self._rules.session.kind == "seconds" and not has_time:
            raise InputError(
                "windows of seconds need times, but no line carries one; use --window with a number of lines"
            )

    def _chunks(self) -> Iterator[tuple[SourceAccount, ChunkReader, Chunk]]:
        expression = masks.compiled(self._rules.masks)
        for account in self._accounts:
            reader = ChunkReader(Search(account.layout, expression, self._rules.session.pattern))
            for chunk in read_chunks(account.source, account.read, max_line_bytes=self._config.max_line_bytes):
                yield account, reader, chunk

    def _numbered(self, parsed: ParsedChunk, numbers: pl.Series, source: Source) -> pl.DataFrame:
        """The records of a chunk that belong to a session, once for each key that they name."""
        stream = 0 if self._rules.session.joins_sources else source.stream
        self._sample.add(numbers.gather(parsed.examples["row"]), parsed.examples, source.index)
        places = {"source": pl.lit(source.index, dtype=pl.Int32), "stream": pl.lit(stream, dtype=pl.Int32)}
        return keyed_records(parsed, numbers).with_columns(**places)

    def _group(self, records: SortedRows, sessions: SortedRows) -> None:
        """Records to sessions; the templates are settled and counted on the way."""
        event_of = self.settle()
        counts = np.zeros(self._templates.height, dtype=np.int64)
        with Progress("grouping into sessions", total=records.height, unit="records") as progress:
            for batch in ahead(records.batches()):
                event = event_of[batch["message"].to_numpy()]
                counts += np.bincount(event, minlength=len(counts))
                sessions.add(self._grouper.add(batch.drop("message").with_columns(event=pl.Series(event))))
                progress.advance(batch.height)
        sessions.add(self._grouper.finish())
        self.count(counts, self._grouper.cut)

    def settle(self) -> NDArray[np.int32]:
        """The event of each message number, once all messages are known."""
        self._event_of, self._templates = self._events.finish()
        self._novelty = self._events.novelty(self._event_of, self._templates)
        return self._event_of

    def count(self, records: NDArray[np.int64], cut: int) -> None:
        """Say how many records each event has, and how many sessions were cut."""
        self._cut = cut
        self._templates = self._templates.with_columns(count=pl.Series(records)).select(TEMPLATES_SCHEMA.names())


def keyed_records(parsed: ParsedChunk, messages: pl.Series) -> pl.DataFrame:
    """The records of a chunk that belong to a session, once for each key that they name.

    `messages` are the numbers of their messages, parallel to the records.
    """
    records = parsed.records.frame.select("line", "alert", pl.col("time").cast(pl.Int64), message=messages)
    if parsed.keys is None:
        return records
    return records[parsed.keys["row"]].with_columns(parsed.keys["key"], number=parsed.keys["key"].hash())


def all_records(parsed: ParsedChunk, messages: pl.Series) -> pl.DataFrame:
    """`line`, `time` and `message` of all records of a chunk; `messages` as in `keyed_records`."""
    return parsed.records.frame.select("line", pl.col("time").cast(pl.Int64), message=messages)


def _read(item: tuple[SourceAccount, ChunkReader, Chunk]) -> tuple[SourceAccount, ParsedChunk]:
    account, reader, chunk = item
    return account, reader.read(chunk)


def count_lines(counts: LineCounts, account: SourceAccount, accounts: Sequence[SourceAccount]) -> None:
    """Add the `counts` of further lines to their `account`, one of `accounts`."""
    if any(other.records for other in accounts if other.source.stream == account.source.stream):
        account.continued += counts.leading
    else:  # there is no record that these lines could continue, in this file or in an older one of a rotated set
        account.not_matched += counts.leading
    account.continued += counts.continued
    account.blank += counts.blank
    account.records += counts.records
    account.without_time += counts.without_time
    account.without_key += counts.without_key


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
