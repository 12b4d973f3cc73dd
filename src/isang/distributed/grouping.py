"""The task that makes the sessions of a partition of the records."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isang.distributed.blocks import blocks
from isang.distributed.engine import peak_mib
from isang.distributed.reading import EARLIER, ReadingRules
from isang.distributed.writing import Key, write_sorted
from isang.logs.finishing import SESSION_ORDER
from isang.logs.sessions.external_sort import SortedRows
from isang.logs.sessions.grouping import Grouper, order_of


@dataclass(frozen=True)
class Grouping:
    """The settings shared by all partitions."""

    reading: ReadingRules
    units: list[tuple[int, int]]
    """The number of each unit of the logs, and the time assigned to its records before the first known time."""
    events: Path
    """The file with the event of each message number."""
    names: list[str]
    """The names of the sources."""
    max_session_events: int


@dataclass(frozen=True)
class GroupedPartition:
    """The task's result for a partition."""

    partition: int
    records: int
    of_event: NDArray[np.int64]
    """The number of records of each event."""
    cut: int
    """Number of sessions that were cut."""
    firsts: list[Key]
    """The first session of each block of the file."""
    spool_bytes: int
    peak_mib: float


def group_partition(partition: int, how: Grouping) -> GroupedPartition:
    """Make the sessions of a partition from its records of all units, into the file that `how` names."""
    rule, spool = how.reading.rule, how.reading.spool
    event_of = np.load(how.events, mmap_mode="r", allow_pickle=False)
    counts = np.zeros(int(event_of.max(initial=-1)) + 1, dtype=np.int64)
    grouper = Grouper(rule, how.names, max_events=how.max_session_events)
    with SortedRows(order_of(rule), spool) as records, SortedRows(SESSION_ORDER, spool) as sessions:
        for unit, before in how.units:
            numbers: NDArray[np.int32] | None = None
            for rows in blocks(how.reading.records(unit), partition):
                if numbers is None:
                    numbers = np.load(how.reading.numbers(unit), allow_pickle=False)
                event = event_of[numbers[rows["message"].to_numpy()]]
                counts += np.bincount(event, minlength=len(counts))
                time = pl.when(pl.col("time") == EARLIER).then(before).otherwise("time")
                records.add(rows.drop("message").with_columns(time.alias("time"), event=pl.Series(event)))
        for batch in records.batches():
            sessions.add(grouper.add(batch))
        if records.height:
            sessions.add(grouper.finish())
        firsts, spool_bytes = write_sorted(sessions, how.reading.sessions(partition))
        return GroupedPartition(partition, records.height, counts, grouper.cut, firsts, spool_bytes, peak_mib())
