"""Where following stands, in one file that one process uses at a time."""

import fcntl
import io
import json
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from isang.errors import InputError, UsageError
from isang.files import being_written, open_regular, saying_where
from isang.json_files import anything, flag, from_json, items, mapping, maybe, number, one_of, record, text
from isang.logs.stream.open_records import STORED_SCHEMA
from isang.logs.templates.text_store import TextBlock
from isang.parquet_files import FREE_VALUES, VALUES_PER_BYTE, footer_of

SCHEMA = 4
_FACTS, _RECORDS, _TEXTS = "facts.json", "records.parquet", "texts/"
"""Members of the archive."""
_ANOTHER = "name another --state file"
_WHOLE = number(-(2**62), 2**62, whole=True)
_POSITION = record(
    {name: number(0, 2**62, whole=True) for name in ("offset", "line", "modified", "inode")}
    | dict.fromkeys(("head", "mark", "rest"), text)
    | {"previous": maybe(text), "within_line": flag},
    closed=True,
)
_NOTED = {
    "groups": mapping(_WHOLE),
    "told": items(text),
    "crowds": record({"tokens": items(_WHOLE), "ends_ms": items(number())}),
}
_FACTS_SCHEMA = record(
    {
        "schema": one_of(SCHEMA), "rules": anything, "positions": mapping(_POSITION), "parts": mapping(_WHOLE),
        "windows": mapping(items(_WHOLE, 2)), "noted": record({}, _NOTED),
    }
)  # fmt: skip
_NO_STATE = (
    OSError, ValueError, LookupError, TypeError, AttributeError, zipfile.BadZipFile, pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)  # fmt: skip


class Place(NamedTuple):
    """All that is needed to go on."""

    facts: dict[str, Any]
    """Plain JSON values: positions, counters, and what the caller noted."""
    records: pl.DataFrame
    """The records of open sessions (STORED_SCHEMA)."""
    blocks: Sequence[TextBlock]
    """Their texts in their in-memory form, so that nothing is compressed again."""


class SavedPlace:
    """The file: a ZIP archive, written in one step.

    It is locked until `close`. Raises UsageError where another process uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock: int | None = _locked(path.with_name(f"{path.name}.lock"), path)

    def load(self, rules: dict[str, Any]) -> Place | None:
        """The place saved by an earlier process; None if there is none yet.

        A place written with different `rules` includes them. Raises InputError for a file of another kind.
        """
        if not self._path.exists():
            return None
        try:
            with open_regular(self._path) as file, zipfile.ZipFile(file) as archive:
                if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                    raise ValueError("its members are compressed, which isang does not do")
                facts = from_json(archive.read(_FACTS), _FACTS_SCHEMA, f"{self._path}: {_FACTS}", _ANOTHER)
                table = io.BytesIO(archive.read(_RECORDS))
                footer, size = footer_of(table)
                table.seek(0)
                if footer.rows > max(FREE_VALUES, VALUES_PER_BYTE * size):
                    raise ValueError(f"{_RECORDS} claims to hold {footer.rows:,} records in {size:,} bytes")
                texts = sorted(name for name in archive.namelist() if name.startswith(_TEXTS))
                blocks = [TextBlock.read(archive.read(name)) for name in texts]
            records = pl.read_parquet(table).select(STORED_SCHEMA.names()).cast(STORED_SCHEMA)
        except _NO_STATE as error:
            raise self.refused(error) from error
        return Place(facts, records, blocks)

    def refused(self, error: Exception) -> InputError:
        """Says that the file holds something else."""
        return InputError(f"{self._path} is no state of isang detect --follow: {error}; name another file")

    def save(self, place: Place, rules: dict[str, Any]) -> None:
        """Write it, in one step. Raises OutputError."""
        table = io.BytesIO()
        place.records.write_parquet(table, compression="lz4")
        with being_written(self._path) as beside, zipfile.ZipFile(beside, "w") as archive:
            archive.writestr(_FACTS, json.dumps({"schema": SCHEMA, "rules": rules, **place.facts}))
            archive.writestr(_RECORDS, table.getbuffer().tobytes())
            for number, block in enumerate(place.blocks):
                archive.writestr(f"{_TEXTS}{number:06}", block.packed)

    def close(self) -> None:
        """Let another process use the file."""
        if self._lock is not None:
            self._path.with_name(f"{self._path.name}.lock").unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None


def _locked(lock: Path, path: Path) -> int:
    """A descriptor that holds the lock; the system lets go of it however the process ends."""
    with saying_where(path):
        lock.parent.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(descriptor)
                raise UsageError(
                    f"another process follows with {path} as its state; end it, or name another --state file"
                ) from error
            try:
                if os.path.samestat(os.fstat(descriptor), lock.stat()):
                    return descriptor
            except FileNotFoundError:
                pass
            os.close(descriptor)  # the process before removed the file between our two steps: once more
