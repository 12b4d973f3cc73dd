"""Hugging Face Trainer's `trainer_state.json`, and other JSON documents that hold a list of records."""

import json
from pathlib import Path
from typing import Any

from isang.errors import InputError
from isang.runs.read.assemble import assemble
from isang.runs.read.content import document
from isang.runs.read.readers.jsonlines import numbers_of
from isang.runs.read.rows import Account, display_name, from_rows
from isang.runs.read.table import RunTable

name = "json document"


def recognise(head: bytes, path: Path) -> bool:
    """One JSON object or list over several lines, or one without line ends."""
    start = head.lstrip()[:1]
    if start not in (b"{", b"["):
        return False
    first = head.lstrip().split(b"\n", 1)[0].strip()
    return first in (b"{", b"[", b"[{") or b'"log_history"' in head or first.startswith((b"[{", b"[ {"))


def read(path: Path, *, loss: str | None = None) -> list[RunTable]:
    """The run in the document: `log_history` of the Trainer, else the longest list of records in it."""
    content = document(path)
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is a cut-off or damaged JSON document ({error}); copy it again") from error
    account = Account(path.name, name, size_bytes=len(content))
    records = _records(whole)
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
    return assemble(
        from_rows(rows, account, facts=facts, loss_is_mean=True if trainer else None, name=display_name(path)),
        loss=loss,
    )


def _records(whole: Any) -> list[Any] | None:
    """`log_history`, else the longest list of objects; a dict of equally long lists of numbers (Keras) as rows."""
    if isinstance(whole, list):
        return whole
    if not isinstance(whole, dict):
        return None
    if isinstance(whole.get("log_history"), list):
        return list(whole["log_history"])
    lists = [value for value in whole.values() if isinstance(value, list)]
    objects = [value for value in lists if value and isinstance(value[0], dict)]
    if objects:
        return max(objects, key=len)
    series = {key: value for key, value in whole.items() if isinstance(value, list)
              and value and all(isinstance(item, int | float) for item in value)}  # fmt: skip
    if not series:
        return None
    length = max(map(len, series.values()))
    return [{"epoch": i + 1, **{k: v[i] for k, v in series.items() if i < len(v)}} for i in range(length)]
