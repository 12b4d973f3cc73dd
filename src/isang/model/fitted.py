"""What detectors learned from a training period: its normal sessions, and a table for each detector."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

import polars as pl

from isang.model.batches import Rows, Sessions
from isang.model.kept import Kept

T = TypeVar("T")


class Fitted(Mapping[str, pl.DataFrame]):
    """The fitted table of each detector by its name, and the normal sessions that all of them were fitted to."""

    def __init__(self, normal: Sessions, counts: Rows, size: int, tables: Mapping[str, pl.DataFrame]) -> None:
        self.normal = normal
        """The distinct normal sessions."""
        self.counts = counts
        """How often each of them occurred, shape: len(normal)."""
        self.size = size
        """The number of tokens V."""
        self._tables = dict(tables)
        self._kept = Kept()

    def __getitem__(self, name: str) -> pl.DataFrame:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def once(self, work: Callable[["Fitted"], T]) -> T:
        """The result of a function of this object, computed on first use and then cached."""
        return self._kept.once(work, lambda: work(self))
