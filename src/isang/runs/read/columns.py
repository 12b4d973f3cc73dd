"""Long columns of printed numbers stored compactly and without loss.

A log prints short decimals, and neighbours are similar. A piece of a column is stored as integers in units of its last
digit, each as the difference from the previous one, in the smallest integer type that fits: a step takes no memory, a
loss two bytes. Numbers that are not short decimals are stored as they are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isang.runs.read.table import Floats

PIECE_ROWS = 1 << 16
MOST_DIGITS = 15
"""Decimals that are tried; a power of ten up to 22 is exact, so the division gives the number that was read."""
LARGEST_WHOLE = 2.0**52
PROBED = 64
"""Values that show the number of decimals before a whole piece is tried."""

_TYPES = (np.int8, np.int16, np.int32)


@dataclass(frozen=True)
class _Piece:
    """R rows. `missing` marks rows without a value, bit by bit; None where every row has one."""

    rows: int
    missing: NDArray[np.uint8] | None
    stored: NDArray[np.generic] | None
    """Differences of the whole numbers, one difference that all share, or the values themselves; None: all missing."""
    digits: int = -1
    """Decimals of the values; -1 where `stored` holds the values themselves."""
    first: int = 0
    """The first whole number."""

    def values(self) -> Floats:
        if self.missing is None:
            return self._stored_values(self.rows)
        known = self.known()
        result = np.full(self.rows, np.nan)
        result[known] = self._stored_values(int(known.sum()))
        return result

    def known(self) -> NDArray[np.bool_]:
        """Which rows have a value, where any has one."""
        if self.missing is None:
            return np.ones(self.rows, dtype=bool)
        return ~np.unpackbits(self.missing, count=self.rows).view(bool)

    def _stored_values(self, count: int) -> Floats:
        assert self.stored is not None  # asked only where there are values
        if self.digits < 0:
            return self.stored.astype(np.float64)
        whole = (
            np.full(count, self.stored[0], dtype=np.int64) if len(self.stored) == 1 else self.stored.astype(np.int64)
        )
        whole[0] = self.first
        np.cumsum(whole, out=whole)
        return whole / 10.0**self.digits


class Column:
    """N values in order, NaN where a row has none."""

    def __init__(self, values: Floats | None = None) -> None:
        self._pieces: list[_Piece] = []
        self._rows = 0
        if values is not None:
            self.append(values)

    def __len__(self) -> int:
        return self._rows

    def append(self, values: Floats) -> None:
        """Add rows at the end."""
        for start in range(0, len(values), PIECE_ROWS):
            piece = values[start : start + PIECE_ROWS]
            self._pieces.append(_packed(piece))
            self._rows += len(piece)

    def extend_to(self, rows: int) -> None:
        """Add rows without a value until there are `rows`."""
        if rows > self._rows:
            self._pieces.append(_Piece(rows - self._rows, None, None))
            self._rows = rows

    def values(self, start: int = 0, end: int | None = None) -> Floats:
        """A new array of the rows from `start` to before `end`."""
        end = self._rows if end is None else end
        result = np.empty(end - start)
        for piece, first, last, at in self._within(start, end):
            result[at : at + last - first] = np.nan if piece.stored is None else piece.values()[first:last]
        return result

    def take(self, rows: NDArray[np.int64]) -> Floats:
        """The values of some rows, which ascend."""
        result = np.empty(len(rows))
        at = 0
        for piece in self._pieces:
            first, last = np.searchsorted(rows, [at, at + piece.rows])
            if first < last:
                result[first:last] = np.nan if piece.stored is None else piece.values()[rows[first:last] - at]
            at += piece.rows
        return result

    def known(self, start: int = 0, end: int | None = None) -> NDArray[np.bool_]:
        """Which of the rows from `start` to before `end` have a value."""
        end = self._rows if end is None else end
        result = np.zeros(end - start, dtype=bool)
        for piece, first, last, at in self._within(start, end):
            if piece.stored is not None:
                result[at : at + last - first] = piece.known()[first:last]
        return result

    def _within(self, start: int, end: int) -> Iterator[tuple[_Piece, int, int, int]]:
        """The pieces with rows from `start` to before `end`: first and last row in the piece, place of the first."""
        at = 0
        for piece in self._pieces:
            first, last = max(start - at, 0), min(end - at, piece.rows)
            if first < last:
                yield piece, first, last, at + first - start
            at += piece.rows

    def count(self) -> int:
        """The number of rows that have a value."""
        return int(self.known().sum())


class Columns(Mapping[str, Floats]):
    """Named columns of N values; each look-up makes a new array, so that only those in use take their full memory."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = columns

    def __getitem__(self, name: str) -> Floats:
        return self._columns[name].values()

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns


def _packed(values: Floats) -> _Piece:
    missing = np.isnan(values)
    count = len(values) - int(missing.sum())
    if not count:
        return _Piece(len(values), None, None)
    known = values if count == len(values) else values[~missing]
    marks = None if count == len(values) else np.packbits(missing)
    digits = _decimals(known)
    if digits is not None:
        whole = np.rint(known * 10.0**digits).astype(np.int64)
        steps = np.diff(whole, prepend=whole[0])
        if count > 1 and (steps[1:] == steps[1]).all():
            return _Piece(len(values), marks, steps[1:2].copy(), digits, int(whole[0]))
        for kind in _TYPES:
            limits = np.iinfo(kind)
            if limits.min <= steps.min() and steps.max() <= limits.max:
                return _Piece(len(values), marks, steps.astype(kind), digits, int(whole[0]))
    with np.errstate(over="ignore"):
        single = known.astype(np.float32)
    return _Piece(len(values), marks, single if (single == known).all() else known.copy())


def _decimals(known: Floats) -> int | None:
    """The number of decimals sufficient for every value; None if there is none."""
    with np.errstate(over="ignore"):
        for digits in range(MOST_DIGITS + 1):
            if _exact(known[:PROBED], digits) and _exact(known, digits):
                return digits
    return None


def _exact(known: Floats, digits: int) -> bool:
    scaled = known * 10.0**digits
    if not np.abs(scaled).max() < LARGEST_WHOLE:
        return False
    whole: NDArray[np.bool_] = np.rint(scaled) / 10.0**digits == known
    return bool(whole.all())
