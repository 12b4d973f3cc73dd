"""The kinds of logs that the library accepts: paths, lines of text, data frames."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isang.errors import InputError, UsageError

if TYPE_CHECKING:
    pass


Logs = Any
"""Paths (a file, a folder, a pattern, or several of them), lines of text, or a frame of polars or pandas."""


@contextmanager
def as_files(logs: Logs) -> Iterator[list[str | Path]]:
    """Logs of any kind as paths; logs that are not in files are written to a temporary folder."""
    if isinstance(logs, (str, Path)):
        yield [logs]
        return
    columns = getattr(logs, "columns", None)
    if columns is None:
        items = list(logs)
        if not items:
            raise InputError("there is nothing to read; give paths, lines of text or a data frame")
        if all(isinstance(item, Path) for item in items) or all(_names_something(item) for item in items):
            yield items
            return
        if not all(isinstance(item, str) for item in items):
            kinds = sorted({type(item).__name__ for item in items})
            raise UsageError(f"lines must be text, got {', '.join(kinds)}; decode bytes, or give paths")
        texts: Iterable[str] = (item.rstrip("\r\n") for item in items)
    else:
        texts = _rows(logs)
    with tempfile.TemporaryDirectory(prefix="isang-") as scratch:
        path = Path(scratch, "lines.log")
        with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.writelines(f"{text}\n" for text in texts)
        yield [path]


def _names_something(item: Any) -> bool:
    """Whether a text is the name of a file or folder rather than a line of a log."""
    try:
        return isinstance(item, str) and "\n" not in item and Path(item).exists()
    except OSError:  # longer than a file name may be
        return False


def _rows(frame: Any) -> Iterator[str]:
    """The rows of a data frame as JSON lines. Raises UsageError if it has no column `message`."""
    columns = [str(name) for name in frame.columns]
    if "message" not in columns:
        raise UsageError(f"the frame needs a column message, got {', '.join(columns)}; rename the one with the text")
    rows = frame.iter_rows() if hasattr(frame, "iter_rows") else frame.itertuples(index=False, name=None)
    for row in rows:
        known = {name: value for name, value in zip(columns, row, strict=True) if value is not None and value == value}
        yield json.dumps(known, ensure_ascii=False, default=_as_text)


def _as_text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
