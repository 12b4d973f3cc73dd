"""A file of bare numbers, one a line, perhaps below a name."""

import re
from collections.abc import Iterator
from pathlib import Path

from isang.errors import InputError
from isang.runs.read.content import LineBlocks
from isang.runs.read.readers.reader import LIKELY, Reader
from isang.runs.read.rows import Account, LoggedRows, Rows, assumed, display_name
from isang.runs.read.series_names import role

name = "numbers"
FEWEST = 3
_NUMBER = re.compile(rb"\s*[-+]?((\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|nan|inf)\s*,?", re.IGNORECASE)


def sure(head: bytes, path: Path) -> float:
    """Lines that hold a number and nothing else; above them perhaps a name that is one of a loss or a metric."""
    lines = [line for line in head.splitlines()[:50] if line.strip()]
    if lines and not _NUMBER.fullmatch(lines[0]):
        named = role(lines[0][:100].decode("utf-8", "replace").strip("\"' "))
        lines = lines[1:] if named in ("loss", "validation", "metric") else []
    whole = lines[:-1] if len(head) >= 1 << 16 else lines
    return LIKELY if len(whole) >= FEWEST and all(_NUMBER.fullmatch(line) for line in whole) else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The numbers, taken for a loss where no name above them says something else."""
    blocks, account, rows = LineBlocks(path), Account(path.name, name), Rows()
    series = ""
    for lines in blocks:
        for line in lines:
            if not line.strip():
                account.ignore("blank")
            elif _NUMBER.fullmatch(line):
                series = series or "loss"
                rows.add({series: float(line.strip().rstrip(b","))})
            elif not series:
                series = line[:100].decode("utf-8", "replace").strip("\"' ")
                account.ignore("names of the columns")
            else:
                account.fail(line)
    account.size_bytes, account.lines = blocks.size_bytes, blocks.lines
    if not rows.count:
        raise InputError(f"{path} holds no number")
    if series == "loss":
        account.notes.append(assumed("the numbers are taken for the loss", "이름 없는 숫자를 손실로 봅니다"))
    yield rows.records(account, name=display_name(path))


READER = Reader(name, sure, read)
