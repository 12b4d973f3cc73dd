"""The tasks' last step: sessions of all partitions in the order of their start, written as the parts of a dataset.

Each part has PIECE_SESSIONS sessions, so parts do not depend on the number of workers.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import polars as pl

from isang.distributed.blocks import BlockWriter, blocks
from isang.distributed.engine import peak_mib
from isang.files import being_written
from isang.logs.finishing import SESSION_ORDER, Counted, Finishing
from isang.logs.sessions.external_sort import SortedRows
from isang.logs.store import PIECE_SESSIONS, part_file

Key = tuple[int, str]
"""The place of a session in SESSION_ORDER."""
_BLOCK_SESSIONS = 4_096
_KEYS = 0
_FIRST_BLOCK = 1


@dataclass(frozen=True)
class SessionsPart:
    """The sessions that one file of the dataset holds."""

    number: int
    after: Key | None
    """The last session of the part before; None: there is none."""
    to: Key
    """The last session of this part."""
    pieces: list[tuple[Path, range]]
    """Blocks that may hold some of them."""


class WrittenPart(NamedTuple):
    """The task's result for a part."""

    sessions: int
    counted: Counted
    peak_mib: float


def write_sorted(sessions: SortedRows, path: Path) -> tuple[list[Key], int]:
    """Write the sessions of a partition in order; returns the first session of each block, and bytes written."""
    firsts: list[Key] = []
    with BlockWriter(path) as file:
        for batch in sessions.batches():
            for block in batch.iter_slices(_BLOCK_SESSIONS):
                file.append(_KEYS, block.select(SESSION_ORDER))
                file.append(_FIRST_BLOCK + len(firsts), block)
                firsts.append((block["start"][0], block["session_id"][0]))
        return firsts, file.bytes


def parts_of(partitions: Sequence[tuple[Path, list[Key]]], spool: Path) -> Iterator[SessionsPart]:
    """The parts of a dataset; each partition is a file of sorted sessions, and the first session of each block."""
    last, number, after = None, 0, None
    for last in _last_of_each_part(partitions, spool):
        pieces = []
        for path, firsts in partitions:
            begin = 0 if after is None else max(0, bisect_right(firsts, after) - 1)
            end = bisect_right(firsts, last)
            if end > begin:
                pieces.append((path, range(_FIRST_BLOCK + begin, _FIRST_BLOCK + end)))
        yield SessionsPart(number, after, last, pieces)
        number, after = number + 1, last


def _last_of_each_part(partitions: Sequence[tuple[Path, list[Key]]], spool: Path) -> Iterator[Key]:
    with SortedRows(SESSION_ORDER, spool) as keys:
        for path, _ in partitions:
            for block in blocks(path, _KEYS):
                keys.add(block)
        seen, last = 0, None
        for batch in keys.batches():
            for place in range(PIECE_SESSIONS - 1 - seen % PIECE_SESSIONS, batch.height, PIECE_SESSIONS):
                yield batch.row(place)
            seen, last = seen + batch.height, batch.row(-1)
        if last is not None and seen % PIECE_SESSIONS:
            yield last


def write_part(part: SessionsPart, finishing: Finishing, folder: Path, spool: Path) -> WrittenPart:
    """Write a part of the sessions and their places below `folder`, see `Finishing.write`."""
    with (
        SortedRows(SESSION_ORDER, spool) as sessions,
        being_written(part_file(folder, "sessions", part.number)) as sessions_file,
        being_written(part_file(folder, "places", part.number)) as places_file,
    ):
        for path, labels in part.pieces:
            for label in labels:
                for block in blocks(path, label):
                    sessions.add(block.filter(_within(part)))
        finishing = finishing.anew()
        finishing.write(sessions.batches(), sessions_file, places_file, spool)
        return WrittenPart(sessions.height, finishing.counted, peak_mib())


def _within(part: SessionsPart) -> pl.Expr:
    start, name = (pl.col(column) for column in SESSION_ORDER)
    within = (start < part.to[0]) | ((start == part.to[0]) & (name <= part.to[1]))
    if part.after is not None:
        within &= (start > part.after[0]) | ((start == part.after[0]) & (name > part.after[1]))
    return within
