"""Hugging Face Trainer's `trainer_state.json`, and other JSON documents that hold a list of records."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isang.errors import InputError
from isang.runs.read.content import document
from isang.runs.read.readers.jsonlines import numbers_of
from isang.runs.read.readers.reader import CERTAIN, LIKELY, Reader
from isang.runs.read.rows import Account, LoggedRows, display_name, from_rows, tag_of
from isang.runs.read.series_names import role

name = "json document"
DEEPEST = 4
"""Objects are looked into this deep."""
_LISTS = re.compile(rb'\{\s*"[^"]{1,200}"\s*:\s*(\{\s*"[^"]{1,200}"\s*:\s*){0,3}\[')
"""The beginning of an object of lists, which is a history and no record of one moment."""


def sure(head: bytes, path: Path) -> float:
    """One JSON object or list over several lines, or on a single one that is not a record by itself."""
    start = head.lstrip()
    if start[:1] not in (b"{", b"["):
        return 0.0
    first, _, rest = start.partition(b"\n")
    if first.strip() in (b"{", b"[", b"[{") or b'"log_history"' in head or _LISTS.match(first):
        return CERTAIN
    return LIKELY if first.startswith(b"[") and not rest.strip() else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The run in the document: `log_history` of the Trainer, else the longest list of records in it."""
    content = document(path)
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is a cut-off or damaged JSON document ({error}); copy it again") from error
    account = Account(path.name, name, size_bytes=len(content))
    records = _triples(whole, path) or _records(whole)
    if records is None:
        raise InputError(f"{path} is a JSON document without a list of records with numbers: it is no training log")
    trainer = isinstance(whole, dict) and "log_history" in whole
    facts: dict[str, Any] = {}
    if trainer:
        account.format = "huggingface trainer_state"
        for key, fact in (
            ("max_steps", "planned_steps"),
            ("num_train_epochs", "epochs"),
            ("train_batch_size", "batch_size_per_device"),
        ):
            if isinstance(whole.get(key), int) and whole[key] > 0:
                facts[fact] = whole[key]
    rows = [numbers_of(record) for record in records if isinstance(record, dict)]
    account.lines = len(records)
    account.ignore("records without numbers", len(records) - sum(bool(row) for row in rows))
    rows = [row for row in rows if row]
    if not rows:
        raise InputError(f"{path} is a JSON document whose records hold no numbers: it is no training log")
    yield from_rows(rows, account, facts=facts, loss_is_mean=True if trainer else None, name=display_name(path))


def _records(whole: Any) -> list[Any] | None:
    """`log_history`, else the longest list of records, or equally long lists of numbers as rows, anywhere within."""
    if isinstance(whole, dict) and isinstance(whole.get("log_history"), list):
        return list(whole["log_history"])
    found: list[list[Any]] = []
    _search(whole, found, 0)
    return max(found, key=len) if found else None


def _triples(whole: Any, path: Path) -> list[Any] | None:
    """The rows of TensorBoard's download of one scalar: a list of [wall time, step, value]."""
    if not isinstance(whole, list) or not whole or not all(isinstance(row, list) and len(row) == 3 for row in whole):
        return None
    if not all(_is_number(item) for row in whole for item in row):
        return None
    names = ("wall_time", "step", tag_of(path.name) or "loss")
    return [dict(zip(names, row, strict=True)) for row in whole]


def _search(value: Any, found: list[list[Any]], depth: int) -> None:
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        if value and all(_is_number(item) for item in value):
            found.append([{"loss": item} for item in value])
        elif any(isinstance(item, dict) for item in value):
            found.append([_flat(item) for item in value if isinstance(item, dict)])
        return
    if not isinstance(value, dict):
        return
    series = _series(value, "", depth)
    if series:
        length = max(map(len, series.values()))
        counted = {} if any(role(name) in ("epoch", "step") for name in series) else {"epoch": 1}
        found.append(
            [
                {**dict.fromkeys(counted, i + 1), **{k: v[i] for k, v in series.items() if i < len(v)}}
                for i in range(length)
            ]
        )
    for item in value.values():
        if isinstance(item, dict) or (isinstance(item, list) and item and isinstance(item[0], dict)):
            _search(item, found, depth + 1)


def _series(value: dict[str, Any], prefix: str, depth: int) -> dict[str, list[Any]]:
    """Lists of numbers by name, those of inner objects as `outer/inner`."""
    series: dict[str, list[Any]] = {}
    for key, item in value.items():
        if isinstance(item, list) and len(item) > 1 and all(_is_number(entry) for entry in item):
            series[f"{prefix}{key}"] = item
        elif isinstance(item, dict) and depth < DEEPEST:
            series.update(_series(item, f"{prefix}{key}/", depth + 1))
    return series


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """Lists of one number in a record as that number, as CatBoost writes them."""
    return {k: v[0] if isinstance(v, list) and len(v) == 1 and _is_number(v[0]) else v for k, v in record.items()}


def _is_number(item: Any) -> bool:
    return item is None or (isinstance(item, int | float) and not isinstance(item, bool))


READER = Reader(name, sure, read)
