"""Parquet files that are read back: what they claim to hold is held against their size before they are read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from isang.errors import InputError
from isang.files import open_regular

if TYPE_CHECKING:
    import polars as pl

VALUES_PER_BYTE = 64
"""No table of ours has more values in a byte of its file; a few bytes can claim a hundred million."""
FREE_VALUES = 1_000_000
"""So many values are read of the smallest file."""
_MOST_FOOTER_BYTES = 64 << 20
_MAGIC = b"PAR1"


class Footer(NamedTuple):
    """What a file says that it holds."""

    rows: int
    values: int
    """In its largest column, members of lists counted one by one."""


@contextmanager
def explained(path: Path, then: str) -> Iterator[None]:
    """Say which file cannot be used, and why; `then` is what to do about it."""
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, OSError, ValueError, pl.exceptions.PanicException) as error:
        raise InputError(f"{path} cannot be used: {' '.join(str(error).split())}; {then}") from error


def read_table(
    path: Path,
    columns: Mapping[str, "pl.DataType"],
    then: str,
    *,
    may_lack: Sequence[str] = (),
    values_per_byte: int = VALUES_PER_BYTE,
) -> Any:
    """The `columns` of a file as a data frame, of exactly these types.

    `may_lack` are null where the file has none of them. Raises InputError that names the file and what is wrong in it,
    and ends with `then`.
    """
    import polars as pl

    check_table(path, columns, then, may_lack=may_lack, values_per_byte=values_per_byte)
    with explained(path, then):
        found = pl.read_parquet_schema(path)
        wanted = [pl.col(name) if name in found else pl.lit(None).alias(name) for name in columns]
        casts = [column.cast(kind) for column, kind in zip(wanted, columns.values(), strict=True)]
        return pl.scan_parquet(path, glob=False).select(casts).collect()


def check_table(
    path: Path,
    columns: Mapping[str, "pl.DataType"],
    then: str,
    *,
    may_lack: Sequence[str] = (),
    values_per_byte: int = VALUES_PER_BYTE,
) -> int:
    """Look at the footer alone: the columns, their types, and no more values than the file can hold; returns the rows.

    Whole numbers and fractions of other widths than asked for are taken; reading casts them.
    """
    import polars as pl

    with explained(path, then):
        footer, size = read_footer(path)
        found = pl.read_parquet_schema(path)
    lacks = [name for name in columns if name not in found and name not in may_lack]
    if lacks:
        raise InputError(f"{path} lacks the columns {', '.join(lacks)}; it has {_names(found)}; {then}")
    for name, kind in columns.items():
        if name in found and not _fits(found[name], kind):
            raise InputError(f"{path}: the column {name} must be {kind}, got {found[name]}; {then}")
    most_rows, most_values = (max(FREE_VALUES, each * size) for each in (VALUES_PER_BYTE, values_per_byte))
    if footer.values > most_values or footer.rows > most_rows:
        raise InputError(f"{path} has {size:,} bytes and claims to hold {footer.values:,} values; {then}")
    return footer.rows


def _names(found: Mapping[str, Any]) -> str:
    return ", ".join(name[:60] for name in list(found)[:20])


def _fits(found: Any, wanted: Any) -> bool:
    import polars as pl

    if found == pl.Null:
        return True
    if isinstance(wanted, pl.List):
        return isinstance(found, pl.List | pl.Array) and _fits(found.inner, wanted.inner)
    if wanted.is_integer():
        return bool(found.is_integer())
    if wanted.is_float():
        return bool(found.is_numeric())
    if isinstance(wanted, pl.Datetime):
        return isinstance(found, pl.Datetime)
    return bool(found == wanted)


def read_footer(path: Path) -> tuple[Footer, int]:
    """What the file says that it holds, and its size in bytes. Raises ValueError where it is no Parquet file."""
    with open_regular(path) as file:
        return footer_of(file)


def footer_of(file: BinaryIO) -> tuple[Footer, int]:
    """The same of an open file."""
    size = file.seek(0, 2)
    if size < 12:
        raise ValueError("it is too short for a Parquet file")
    file.seek(size - 8)
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if end[4:] != _MAGIC or length > min(size - 12, _MOST_FOOTER_BYTES):
        raise ValueError("it is no Parquet file, or cut off")
    file.seek(size - 8 - length)
    content = file.read(length)
    try:
        meta = _Thrift(content).structure()
        rows, groups = int(meta.get(3, 0)), meta.get(4, [])
        values: dict[int, int] = {}
        for group in groups:
            for place, column in enumerate(group.get(1, [])):
                values[place] = values.get(place, 0) + int(column.get(3, {}).get(5, 0))
        return Footer(max(rows, sum(int(group.get(3, 0)) for group in groups)), max(values.values(), default=0)), size
    except (IndexError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError("its footer is damaged") from error


class _Thrift:
    """Reads the compact protocol of Apache Thrift: structures as dictionaries of field numbers to values."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def structure(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) & 15:
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = self._value(head & 15)
        return fields

    def _byte(self) -> int:
        self._at += 1
        return self._content[self._at - 1]

    def _unsigned(self) -> int:
        value = shift = 0
        while shift < 70:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
        raise IndexError

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _value(self, kind: int) -> Any:
        if kind in (1, 2):  # true and false, in the head of the field
            return kind == 1
        if kind == 3:
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind == 7:
            return self._skipped(8)
        if kind == 8:
            return self._skipped(self._unsigned())
        if kind in (9, 10):
            return self._members()
        if kind == 12:
            return self.structure()
        raise IndexError

    def _members(self) -> list[Any]:
        head = self._byte()
        size = head >> 4 if head >> 4 < 15 else self._unsigned()
        if size > len(self._content) - self._at:
            raise IndexError
        kind = head & 15
        return [self._byte() if kind in (1, 2) else self._value(kind) for _ in range(size)]

    def _skipped(self, size: int) -> None:
        self._at += size
        if self._at > len(self._content):
            raise IndexError
