"""Notebooks: what the code cells printed, and the tables that they show."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

from isang.errors import InputError
from isang.runs.read.content import document
from isang.runs.read.readers.reader import CERTAIN, Reader
from isang.runs.read.readers.text import rows_of
from isang.runs.read.rows import Account, LoggedRows, assumed, display_name

name = "notebook"
_ROW = re.compile(r"<tr[^>]*>(.*?)</tr>", re.DOTALL | re.IGNORECASE)
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]{0,500}>")


def sure(head: bytes, path: Path) -> float:
    """A JSON document that begins with cells, or has the ending of a notebook."""
    if not head.lstrip().startswith(b"{"):
        return 0.0
    return CERTAIN if re.match(rb'\s*\{\s*"(cells|nbformat|metadata)"', head) and (
        path.suffix == ".ipynb" or b'"cell_type"' in head
    ) else 0.0  # fmt: skip


def read(path: Path) -> Iterator[LoggedRows]:
    """The rows in the outputs of the code cells, in their order."""
    content = document(path)
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is a cut-off or damaged notebook ({error}); copy it again") from error
    cells = whole.get("cells") if isinstance(whole, dict) else None
    lines = [line for cell in cells or [] if isinstance(cell, dict) for line in _lines(cell)]
    if not any(line.strip() for line in lines):
        raise InputError(f"{path} is a notebook whose cells have no output; run it and save it with its outputs")
    account = Account(path.name, name, size_bytes=len(content), lines=len(lines))
    account.notes.append(
        assumed("the outputs of the notebook's code cells are read", "노트북 코드 셀의 출력을 읽었습니다")
    )
    try:
        found = rows_of([lines], account, path)
    except InputError:
        raise InputError(f"{path} is a notebook whose outputs hold no line with a named number") from None
    account.format = name
    found.name = display_name(path)
    yield found


def _lines(cell: dict[str, Any]) -> list[bytes]:
    outputs = cell.get("outputs") if cell.get("cell_type") == "code" else None
    texts = [_text(output) for output in outputs or [] if isinstance(output, dict)]
    return [line.encode("utf-8", "replace") for text in texts for line in re.split(r"\r\n|\r|\n|\x08+", text)]


def _text(output: dict[str, Any]) -> str:
    """What an output shows: a table's rows with tabs between the cells, else its text."""
    if output.get("output_type") == "stream":
        return _joined(output.get("text"))
    data = output.get("data")
    if not isinstance(data, dict):
        return ""
    table = [_cells(row) for row in _ROW.findall(_joined(data.get("text/html")))]
    if table:
        if table[0] and not table[0][0]:  # a DataFrame's index has no name
            table = [row[1:] for row in table]
        return "\n".join("\t".join(row) for row in table)
    return _joined(data.get("text/plain"))


def _cells(row: str) -> list[str]:
    return [unescape(_TAG.sub("", cell)).strip() for cell in _CELL.findall(row)]


def _joined(text: Any) -> str:
    return "".join(part for part in text if isinstance(part, str)) if isinstance(text, list) else str(text or "")


READER = Reader(name, sure, read)
