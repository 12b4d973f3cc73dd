"""Parquet files that are read back: their claimed content is checked against their size before they are read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from isang.errors import InputError
from isang.files import open_regular

if TYPE_CHECKING:
    import polars as pl

VALUES_PER_BYTE = 64
"""Maximum values per byte of file; no table of isang has more. A few bytes can claim a hundred million."""
FREE_VALUES = 1_000_000
"""Number of values that even the smallest file may hold."""
_MOST_FOOTER_BYTES = 64 << 20
_MOST_PAGE_HEADER_BYTES = 64 << 10
_MAGIC = b"PAR1"


class Footer(NamedTuple):
    """The content that a file claims to hold."""

    rows: int
    values: int
    """Values in its largest column, counting members of lists individually."""


@contextmanager
def explained(path: Path, then: str) -> Iterator[None]:
    """Turn errors into an InputError that names the file and the cause; `then` is what to do about it."""
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

    Columns in `may_lack` are null if the file lacks them. Raises an InputError that names the file and the mistake, and
    ends with `then`.
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
    """Check only the footer: columns, types, and no more values than the file can hold; returns the number of rows.

    Integers and floats of other widths than requested are accepted; reading casts them.
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
    """The content that the file claims, and its size in bytes. Raises ValueError if it is not a Parquet file."""
    with open_regular(path) as file:
        return footer_of(file)


def footer_of(file: BinaryIO) -> tuple[Footer, int]:
    """The same for an open file; also raises ValueError if its parts are not within the file."""
    size = file.seek(0, 2)
    if size < 12:
        raise ValueError("it is too short for a Parquet file")
    file.seek(size - 8)
    end = file.read(8)
    length = int.from_bytes(end[:4], "little")
    if end[4:] != _MAGIC or length > min(size - 12, _MOST_FOOTER_BYTES):
        raise ValueError("it is no Parquet file, or cut off")
    data_end = size - 8 - length
    file.seek(data_end)
    content = file.read(length)
    try:
        return _checked_footer(file, _Thrift(content).structure(), data_end), size
    except (LookupError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError("its footer is damaged") from error


def _checked_footer(file: BinaryIO, meta: dict[int, Any], data_end: int) -> Footer:
    # Field numbers as in Parquet's own definition, parquet.thrift: FileMetaData, RowGroup, ColumnChunk, ColumnMetaData.
    groups = meta.get(4, [])
    values: dict[int, int] = {}
    rows = [_count(group.get(3)) for group in groups]
    for group in groups:
        for place, column in enumerate(group.get(1, [])):
            chunk = column[3]
            count, length = _count(chunk.get(5)), _count(chunk.get(7))
            if count == 0:
                continue
            start = min((_count(chunk[field]) for field in (9, 11) if field in chunk), default=0)
            if start < len(_MAGIC) or start + length > data_end:
                raise ValueError("a column lies outside the file")
            _check_pages(file, start, start + length, count)
            values[place] = values.get(place, 0) + count
    if _count(meta.get(3)) != sum(rows):
        raise ValueError("its rows do not add up")
    return Footer(sum(rows), max(values.values(), default=0))


def _check_pages(file: BinaryIO, at: int, end: int, most_values: int) -> None:
    """Walk the page headers of a column: polars allocates what they claim, and aborts the process if it cannot."""
    # parquet.thrift: PageHeader has its sizes in 2 and 3, and one of four headers with the number of values in field 1.
    left = most_values
    while at < end and left > 0:
        file.seek(at)
        reader = _Thrift(file.read(min(end - at, _MOST_PAGE_HEADER_BYTES)))
        header = reader.structure()
        unpacked, packed = _count(header.get(2)), _count(header.get(3))
        at += reader.place + packed
        kinds = [header[field] for field in (5, 6, 7, 8) if field in header]
        if len(kinds) != 1 or at > end or unpacked > max(FREE_VALUES, packed) * VALUES_PER_BYTE:
            raise ValueError("a page lies outside its column or claims too much")
        counts = [_count(kinds[0].get(field)) for field in ((1, 2, 3) if 8 in header else (1,))]  # values, nulls, rows
        if 7 in header:  # dictionary entries are not values of the column, and there may be more of them
            continue
        left -= counts[0]
        if left < 0 or max(counts) > most_values:
            raise ValueError("a page claims more values than its column")
    if left:
        raise ValueError("a column has fewer values than it claims")


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("its footer is damaged")
    return value


class _Thrift:
    """Reads the compact protocol of Apache Thrift: structures as dictionaries from field numbers to values."""

    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    @property
    def place(self) -> int:
        """Bytes read so far."""
        return self._at

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
