"""Raw logs to a dataset on several machines, the same as on one, but with the sessions in parts."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from isang.config import LogsConfig
from isang.distributed.blocks import blocks
from isang.distributed.engine import Ray
from isang.distributed.grouping import Grouping, group_partition
from isang.distributed.reading import (
    EARLIER,
    KnownDigest,
    KnownIndex,
    ReadingRules,
    ReadUnit,
    Unit,
    messages_of,
    read_unit,
)
from isang.distributed.writing import Key, SessionsPart, parts_of, write_part
from isang.logs.account import SourceAccount
from isang.logs.input.chunks import CHUNK_BYTES
from isang.logs.input.encodings import encoding_of
from isang.logs.input.sources import Source
from isang.logs.input.spans import divisible, scan
from isang.logs.line_counts import with_numbers
from isang.logs.parsing import masks
from isang.logs.parsing.timeline import NO_TIME
from isang.logs.prepare import Preparation, count_lines, prepare_folder
from isang.progress import Progress

UNIT_BYTES = 16 * CHUNK_BYTES
"""Files larger than this are read by several tasks if they can be split."""
PARTITION_BYTES = 64 << 20
"""Bytes of plain text per grouping task."""
_UNFOLDS = 10
"""Assumed compression ratio of compressed files."""
_MOST_PARTITIONS = 4096


def prepare(
    ray: Ray,
    paths: Sequence[str],
    folder: Path,
    config: LogsConfig,
    *,
    labels: Path | None = None,
    overwrite: bool = False,
    unit_bytes: int = UNIT_BYTES,
) -> dict[str, Any]:
    """As `prepare_folder`, by the workers of `ray`. All machines must see the logs and `folder` by the same names."""
    work = preparation_on(ray, unit_bytes)
    return prepare_folder(paths, folder, config, labels=labels, overwrite=overwrite, preparation=work)


def preparation_on(ray: Ray, unit_bytes: int = UNIT_BYTES) -> Callable[..., Preparation]:
    """The `preparation` argument with which `prepare_folder` uses the workers of `ray`."""
    return partial(RayPreparation, ray, unit_bytes)


class RayPreparation(Preparation):
    """A preparation in which tasks read the logs and build the sessions.

    Tasks read parts of the logs and write their distinct messages, and their records by partition: a range of hashes of
    session keys. Templates are learned from the messages in one process, in the order of the logs. Then each partition
    is grouped into sessions, and the sessions of all partitions are written in parts, in the order of their start.
    Tasks exchange data in files below the folder being written; a retried task writes the same files again.
    """

    def __init__(self, ray: Ray, unit_bytes: int, *args: Any) -> None:
        super().__init__(*args)
        self._ray, self._unit_bytes = ray, unit_bytes

    def write_sessions(self, folder: Path) -> None:
        """Read the logs and write `sessions/part-*.parquet` and `places/part-*.parquet`."""
        folder = folder.resolve()
        spool = folder / "spool"
        spool.mkdir()
        try:
            self._ray.refuse_unlike(spool)
            reading = ReadingRules(
                masks.compiled(self._rules.masks), self._rules.session, self._config.max_line_bytes,
                self._partitions(), spool,
            )  # fmt: skip
            times = self._read_units(reading)
            self._write_parts(self._group_partitions(reading, times), folder, spool)
        finally:
            shutil.rmtree(spool, ignore_errors=True)

    def _partitions(self) -> int:
        size = sum(
            account.source.state().st_size * (1 if divisible(account.source.path, "") else _UNFOLDS)
            for account in self._accounts
        )
        return min(_MOST_PARTITIONS, max(self._ray.workers, -(-size // PARTITION_BYTES)))

    def _units(self) -> list[Unit]:
        """The parts of the logs, in their order."""
        large = [account for account in self._accounts if self._can_be_split(account)]
        paths = [each.source.path.absolute() for each in large]
        scans = self._ray.in_order(scan, paths, self._unit_bytes, doing=_looking)
        units: list[Unit] = []
        for account in self._accounts:
            source, layout = _absolute(account.source), account.layout
            if account not in large:
                units.append(Unit(len(units), source, layout))
                continue
            found = next(scans)
            account.read.encoding = source.encoding or encoding_of(source.path)
            account.read.digest = KnownDigest(found.sha256)
            self._indexes[account.source.index] = KnownIndex(found.line_index)
            for span in found.spans(self._unit_bytes):
                units.append(Unit(len(units), source, layout, span, account.read.encoding))
        return units

    def _can_be_split(self, account: SourceAccount) -> bool:
        """Whether spans of a log can be read independently: a time without year or date, or in the repeated hour of a
        clock
        change, depends on all lines before it."""
        layout, source = account.layout, account.source
        whole = layout.clock is None or (layout.clock.lacks is None and layout.zone == "UTC")
        if not whole or source.state().st_size <= self._unit_bytes:
            return False
        return divisible(source.path, source.encoding or encoding_of(source.path))

    def _read_units(self, reading: ReadingRules) -> "_Times":
        """Read all units, count their lines and number their messages, in the order of the logs."""
        units, times, rows = self._units(), _Times(), 0
        begun: set[int] = set()
        total = sum(account.source.state().st_size for account in self._accounts)
        results = self._ray.in_order(read_unit, units, self._ray.shared(reading), doing=_reading)
        with Progress("reading logs", total=total, unit="bytes on disk") as progress:
            for unit, read in zip(units, results, strict=True):
                account = self._accounts[unit.source.index]
                count_lines(read.lines, account, self._accounts)
                _take_counts(account, unit, read)
                if read.index is not None:
                    self._indexes[account.source.index] = KnownIndex(read.index)
                if read.heights and unit.source.index not in begun:
                    begun.add(unit.source.index)
                    self._events.begin_log()
                np.save(reading.numbers(unit.number), self._numbers(reading, unit, read), allow_pickle=False)
                times.add(unit, read)
                rows += read.records
                self._ray.note(read.peak_mib, read.spool_bytes)
                progress.advance(read.counts.bytes_on_disk)
        self.check_records(rows, has_time=times.known)
        self._rows = rows
        return times

    def _numbers(self, reading: ReadingRules, unit: Unit, read: ReadUnit) -> np.ndarray[Any, np.dtype[np.int32]]:
        """The numbers of a unit's messages, chunk by chunk."""
        path = reading.messages(unit.number)
        numbers = [np.empty(0, dtype=np.int32)]
        for distinct, examples in messages_of(path, read.heights):
            found = self._events.learn(distinct)
            self._sample.add(found.gather(examples["text"]), examples, unit.source.index)
            numbers.append(found.to_numpy())
        path.unlink()
        return np.concatenate(numbers)

    def _group_partitions(self, reading: ReadingRules, times: "_Times") -> list[tuple[Path, list[Key]]]:
        """Group records into sessions; on the way the templates are finalised and counted.

        Returns the file of each partition and the first session of each block in it.
        """
        events = reading.spool / "events.npy"
        np.save(events, self.settle(), allow_pickle=False)
        self._count_over_time(reading, times)
        counts, cut, files = np.zeros(self._templates.height, dtype=np.int64), 0, []
        how = Grouping(
            reading, times.before(), events, [account.source.name for account in self._accounts],
            self._rules.max_session_events,
        )  # fmt: skip
        results = self._ray.in_order(group_partition, range(reading.partitions), self._ray.shared(how), doing=_grouping)
        with Progress("grouping into sessions", total=self._rows, unit="records") as progress:
            for done in results:
                files.append((reading.sessions(done.partition), done.firsts))
                counts[: len(done.of_event)] += done.of_event
                cut += done.cut
                self._ray.note(done.peak_mib, done.spool_bytes)
                progress.advance(done.records)
        self.count(counts, cut)
        for unit, _ in times.before():
            reading.records(unit).unlink()
        return files

    def _write_parts(self, partitions: list[tuple[Path, list[Key]]], folder: Path, spool: Path) -> None:
        """Write the sessions of all partitions in the order of their start."""
        parts = parts_of(partitions, spool)
        shared = self._ray.shared(self.finishing), folder, spool
        with Progress("writing sessions", total=None, unit="sessions") as progress:
            for done in self._ray.in_order(write_part, parts, *shared, doing=_writing):
                self.finishing.add(done.counted)
                self._ray.note(done.peak_mib, 0)
                progress.advance(done.sessions)

    def _count_over_time(self, reading: ReadingRules, times: "_Times") -> None:
        for unit, before in times.before():
            numbers = np.load(reading.numbers(unit), allow_pickle=False)
            for block in blocks(reading.over_time(unit), 0):
                self.over_time.add(with_numbers(block, numbers, EARLIER, before))
            reading.over_time(unit).unlink()


@dataclass
class _Times:
    """The first and last known time of each unit."""

    units: list[tuple[Unit, int | None, int | None]] = field(default_factory=list)

    def add(self, unit: Unit, read: ReadUnit) -> None:
        """Add a unit; units must come in the order of the logs."""
        self.units.append((unit, read.first_time, read.last_time))

    @property
    def known(self) -> bool:
        """Whether any record's time was understood."""
        return any(first is not None for _, first, _ in self.units)

    def before(self) -> list[tuple[int, int]]:
        """The number of each unit, and the time assigned to its records before the first known time.

        It is the time of the preceding record, or for records before the first known time of a source, that first time.
        """
        found = []
        first_of: dict[int, int] = {}
        for unit, first, _ in self.units:
            if first is not None:
                first_of.setdefault(unit.source.index, first)
        last_of = dict(first_of)
        for unit, _, last in self.units:
            found.append((unit.number, last_of.get(unit.source.index, NO_TIME)))
            if last is not None:
                last_of[unit.source.index] = last
        return found


def _take_counts(account: SourceAccount, unit: Unit, read: ReadUnit) -> None:
    """Add the counts from reading a unit to the account of its source."""
    if unit.span is None:
        account.read = read.counts
        return
    for name in ("bytes", "lines", "cut_lines", "undecodable_lines", "bytes_on_disk"):
        setattr(account.read, name, getattr(account.read, name) + getattr(read.counts, name))


def _absolute(source: Source) -> Source:
    """The source with an absolute path: workers have their own working directory."""
    return replace(source, path=source.path.absolute())


def _looking(path: Path) -> str:
    return f"looking at {path}"


def _reading(unit: Unit) -> str:
    return f"reading {unit.source.path}"


def _writing(part: SessionsPart) -> str:
    return f"writing part {part.number} of the sessions"


def _grouping(partition: int) -> str:
    return f"grouping part {partition} of the records"
