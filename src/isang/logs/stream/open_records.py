"""Records of open sessions in little memory: numbers in place of texts.

Most lines of a log differ in few values, so each value is stored once; whole lines are compressed. Frequent queries,
such as which owners are silent, use values kept per owner, so that no poll has to scan all records.
"""

from collections.abc import Collection

import numpy as np
import polars as pl

from isang.logs.stream.record import PARSED_SCHEMA
from isang.logs.templates.event_table import numbered
from isang.logs.templates.text_store import Numbers, PackedTexts, TextBlock, Texts

OWNER = ("key", "stream")
"""Whose sessions follow each other."""
VALUES = ("source", "level", "message")
"""Columns of few different values."""
STORED_SCHEMA = pl.Schema({**PARSED_SCHEMA, "text": pl.Int64(), "heard": pl.Int64()})
"""`text` is its number; `heard`: the record's time, or when it was read where it has none."""
HELD_SCHEMA = pl.Schema(
    {
        "owner": pl.UInt32(),
        **{name: kind for name, kind in STORED_SCHEMA.items() if name not in (*OWNER, *VALUES)},
        **dict.fromkeys(VALUES, pl.UInt32()),
    }
)
NOBODY = 0
"""The owner of records that are no longer needed."""
NEVER = np.iinfo(np.int64).min
MOST_DROPPED = 5_000
"""Number of dropped records, or a quarter of all if more, after which the rest is compacted."""
MOST_CHUNKS = 32
"""Maximum number of chunks of the records in memory."""


class OpenRecords:
    """Stores records in order of arrival, finds them by owner, and drops those that are no longer needed."""

    def __init__(self) -> None:
        self._rows = HELD_SCHEMA.to_frame().drop("owner")
        self._owner_of = np.empty(0, dtype=np.uint32)  # parallel to the rows
        self._values = {name: _Values() for name in VALUES}
        self._texts = PackedTexts()
        self._owners: list[tuple[str | None, str]] = [(None, "")]  # by number
        self._numbers: dict[tuple[str | None, str], int] = {}
        self._free: list[int] = []
        self._heard = np.full(1, NEVER)  # by owner; at least as long as the numbers go
        self._sizes = np.zeros(1, dtype=np.int64)
        self.height = 0
        """Records that are needed."""

    def add(self, records: pl.DataFrame) -> Numbers:
        """Take in records (PARSED_SCHEMA and `heard`): the numbers of their owners."""
        texts = pl.Series("text", self._texts.add(records["text"]))
        return self._hold(records.with_columns(texts))

    def _hold(self, records: pl.DataFrame) -> Numbers:
        """Take in records (STORED_SCHEMA) whose texts are known."""
        numbers = [self._number(*owner) for owner in records.select(OWNER).iter_rows()]
        owners = np.array(numbers, dtype=np.uint32)
        rows = records.with_columns(self._values[name].numbers(records[name]) for name in VALUES)
        self._rows = pl.concat([self._rows, rows.select(self._rows.columns)])
        if self._rows.n_chunks() > MOST_CHUNKS:
            self._rows = self._rows.rechunk()
        self._owner_of = np.concatenate([self._owner_of, owners])
        self._grow()
        np.maximum.at(self._heard, owners, records["heard"].to_numpy())
        self._sizes += np.bincount(owners, minlength=len(self._sizes))
        self.height += records.height
        return np.unique(owners).astype(np.int64)

    def numbers_of(self, owners: pl.DataFrame) -> Numbers:
        """The numbers of those `owners` (OWNER) that have records."""
        numbers = {self._numbers.get(owner, NOBODY) for owner in owners.select(OWNER).iter_rows()} - {NOBODY}
        return np.array(sorted(numbers), dtype=np.int64)

    def owners(self) -> Numbers:
        """Those who have records."""
        return np.flatnonzero(self._sizes)

    def silent_since(self, before_us: int) -> Numbers:
        """The owners of whom nothing was heard since `before_us`."""
        return np.flatnonzero((self._sizes > 0) & (self._heard < before_us))

    def silent_longest(self, most: int) -> Numbers:
        """The owners without whom no more than `most` records would be needed, those who were silent longest."""
        if self.height <= most:
            return np.empty(0, dtype=np.int64)
        owners = self.owners()
        owners = owners[np.argsort(self._heard[owners], kind="stable")]
        return owners[: np.searchsorted(np.cumsum(self._sizes[owners]), self.height - most) + 1]

    def of(self, owners: Numbers) -> pl.DataFrame:
        """The records of these owners (HELD_SCHEMA) in order of arrival, with their `row` among all."""
        wanted = np.zeros(len(self._sizes), dtype=bool)
        wanted[owners] = True
        rows = np.flatnonzero(wanted[self._owner_of])
        return self._rows[rows].with_columns(owner=pl.Series(self._owner_of[rows]), row=pl.Series(rows))

    def in_words(self, records: pl.DataFrame) -> pl.DataFrame:
        """Records (of HELD_SCHEMA) with their owners and values (STORED_SCHEMA) instead of numbers."""
        owners = [self._owners[owner] for owner in records["owner"].to_list()]
        return records.with_columns(
            pl.Series("key", [key for key, _ in owners], dtype=pl.String),
            pl.Series("stream", [stream for _, stream in owners], dtype=pl.String),
            *(self._values[name].texts(records[name]) for name in VALUES),
        ).drop("owner")

    def texts(self) -> Texts:
        """The whole lines, by the `text` of records."""
        return self._texts.now()

    def drop(self, rows: Numbers) -> None:
        """Drop these rows, see `of`; the next `drop` may renumber rows."""
        owners = np.unique(self._owner_of[rows]).astype(np.int64)
        self._owner_of[rows] = NOBODY
        self.height -= len(rows)
        left = self.of(owners)
        self._sizes[owners] = 0
        self._heard[owners] = NEVER
        of_rows = left["owner"].to_numpy()
        np.maximum.at(self._heard, of_rows, left["heard"].to_numpy())
        self._sizes += np.bincount(of_rows, minlength=len(self._sizes))
        for owner in owners[self._sizes[owners] == 0].tolist():
            del self._numbers[self._owners[owner]]
            self._free.append(owner)
        if len(self._owner_of) - self.height > max(MOST_DROPPED, self.height // 3):
            self._move_together()

    def stored(self) -> tuple[pl.DataFrame, list[TextBlock]]:
        """All records that are needed (STORED_SCHEMA), in the order in which they came, and blocks with their texts."""
        rows = self._rows.with_columns(owner=pl.Series(self._owner_of)).filter(pl.col("owner") != NOBODY)
        return self.in_words(rows).select(STORED_SCHEMA.names()), self._texts.packed()

    @classmethod
    def load(cls, records: pl.DataFrame, blocks: Collection[TextBlock]) -> "OpenRecords":
        """From what `stored` gave."""
        loaded = cls()
        loaded._texts = PackedTexts(blocks)
        loaded._hold(records)
        return loaded

    def _number(self, key: str | None, stream: str) -> int:
        """The owner's number, which may have been another's before."""
        number = self._numbers.get((key, stream))
        if number is None:
            if not self._free:
                self._free.append(len(self._owners))
                self._owners.append((None, ""))
            number = self._numbers[key, stream] = self._free.pop()
            self._owners[number] = key, stream
        return number

    def _grow(self) -> None:
        """Room for all numbers of owners, and as much again."""
        if len(self._sizes) < len(self._owners):
            more = 2 * len(self._owners) - len(self._sizes)
            self._sizes = np.append(self._sizes, np.zeros(more, dtype=np.int64))
            self._heard = np.append(self._heard, np.full(more, NEVER))

    def _move_together(self) -> None:
        """Forget what is not needed: records, their texts, values that no record has any more."""
        needed = self._owner_of != NOBODY
        self._rows = self._rows.filter(needed).rechunk()
        self._owner_of = self._owner_of[needed]
        self._texts.keep(self._rows["text"].to_numpy())
        self._rows = self._rows.with_columns(self._values[name].kept(self._rows[name]) for name in VALUES)


class _Values:
    """Different values of a column, numbered."""

    def __init__(self) -> None:
        self._values: list[str | None] = []
        self._numbers: dict[str | None, int] = {}

    def numbers(self, column: pl.Series) -> pl.Series:
        """The numbers (u32) of values."""
        distinct = column.unique(maintain_order=True)
        numbers = [self._number(value) for value in distinct.to_list()]
        return numbered(column, distinct, pl.Series(numbers, dtype=pl.UInt32)).alias(column.name)

    def _number(self, value: str | None) -> int:
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self._values)
            self._values.append(value)
        return number

    def texts(self, numbers: pl.Series) -> pl.Series:
        """The values with these numbers."""
        distinct = numbers.unique()
        values = pl.Series([self._values[number] for number in distinct.to_list()], dtype=pl.String)
        return numbered(numbers, distinct, values).alias(numbers.name)

    def kept(self, numbers: pl.Series) -> pl.Series:
        """Forget the values that are not among `numbers`: the numbers that the others have now."""
        kept = numbers.unique().sort()
        self._values = [self._values[number] for number in kept.to_list()]
        self._numbers = {value: number for number, value in enumerate(self._values)}
        return numbered(numbers, kept, pl.Series(range(len(kept)), dtype=pl.UInt32)).alias(numbers.name)
