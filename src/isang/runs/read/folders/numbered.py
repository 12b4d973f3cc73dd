"""Folders with one small JSON document per epoch or step, numbered in its name, as AllenNLP writes them."""

import json
import re
from pathlib import Path
from typing import Any

from isang.runs.read.readers.jsonlines import numbers_of
from isang.runs.read.rows import Account, LoggedRows, from_rows
from isang.runs.read.series_names import EPOCH, STEP, role

MOST_BYTES = 1 << 20
"""A larger document is not a record of a single moment."""
FEWEST = 3
_NUMBERED = re.compile(r"(?P<stem>.*?)[-_.]?(?P<number>\d{1,9})\.json")


def numbered_records(files: list[Path]) -> list[tuple[list[Path], LoggedRows]]:
    """The documents that belong together, in the order of their numbers, and the run that they hold."""
    groups: dict[tuple[Path, str], dict[int, Path]] = {}
    for file in files:
        if match := _NUMBERED.fullmatch(file.name):
            groups.setdefault((file.parent, match["stem"]), {})[int(match["number"])] = file
    found = []
    for (home, stem), numbered in groups.items():
        rows = {number: _record(numbered[number]) for number in sorted(numbered)} if len(numbered) >= FEWEST else {}
        if len(rows) < FEWEST or not all(rows.values()):
            continue
        told = any(role(name) in (STEP, EPOCH) for name in rows[min(rows)])
        counted = "epoch" if "epoch" in stem.lower() else "step"
        account = Account(home.name, "one document per row", sum(numbered[n].stat().st_size for n in rows), len(rows))
        lines = [row if told else {counted: float(number), **row} for number, row in rows.items()]
        found.append((list(numbered.values()), from_rows(lines, account, name=home.name)))
    return found


def _record(file: Path) -> dict[str, float]:
    """The numbers of a document that is one flat record; empty for other ones."""
    try:
        whole: Any = json.loads(file.read_bytes()) if file.stat().st_size <= MOST_BYTES else None
    except (OSError, ValueError, RecursionError):
        return {}
    flat = isinstance(whole, dict) and not any(isinstance(value, list | dict) for value in whole.values())
    return numbers_of(whole) if flat else {}
