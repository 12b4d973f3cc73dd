"""JSON lines of any tool: detectron2, OpenMMLab, DeiT, LLaMA-Factory, our own metrics file."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isang.errors import InputError
from isang.runs.read.content import LineBlocks
from isang.runs.read.lines.own_log import checked
from isang.runs.read.readers.reader import LIKELY, Reader
from isang.runs.read.rows import Account, LoggedRows, Rows, display_name
from isang.runs.read.series_names import is_held_out, role

name = "json lines"
DEEPEST = 5
"""Objects within a record are looked into this deep."""
_CLOCK = re.compile(r"(?:(\d+) days?,? )?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)")
_IN_WORDS = re.compile(r"(?:(\d+)d ?)?(?:(\d+)h ?)?(?:(\d+)m ?)?(\d+(?:\.\d+)?)s")
_OF_WHOLE = re.compile(r"(\d{1,12})/(\d{1,12})")
COUNT_FACTS = {"total_steps": "planned_steps", "max_steps": "planned_steps", "vocabulary_size": "vocabulary_size",
                "vocab_size": "vocabulary_size", "batch_size": "batch_size", "devices": "devices",
                "batches_per_epoch": "batches_per_epoch", "batch_size_per_device": "batch_size_per_device"}  # fmt: skip


def sure(head: bytes, path: Path) -> float:
    """The first line that is not blank is a JSON object of its own."""
    first = next((line for line in head.splitlines() if line.strip()), b"")
    if not first.lstrip().startswith(b"{"):
        return 0.0
    try:
        return LIKELY if isinstance(json.loads(first), dict) else 0.0
    except (ValueError, RecursionError):
        return LIKELY if len(first) > 60_000 and head.lstrip().startswith(b'{"') else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The runs in the records. A record's numbers are its values; nested ones are named `outer/inner`."""
    blocks, account = LineBlocks(path), Account(path.name, name)
    rows = Rows()
    facts: dict[str, Any] = {}
    for lines in blocks:
        for line in lines:
            _read_line(line, rows, facts, account)
    account.size_bytes, account.lines = blocks.size_bytes, blocks.lines
    account.ignore(f"longer than {1 << 16:,} bytes", blocks.too_long)
    account.ignored["blank"] = account.ignored.get("blank", 0) - blocks.too_long
    account.ignored = {why: count for why, count in account.ignored.items() if count}
    if not rows.count:
        raise InputError(f"{path} holds no JSON record with numbers")
    names = rows.names
    mean = None
    if "data_time" in names and "iteration" in names:
        account.format, mean = "detectron2 metrics", True
    elif {"data_time", "iter"} <= names:
        account.format, mean = "openmmlab json log", True
    elif "train_loss" in names and "epoch" in names and not names & {"step", "iter", "iteration"}:
        account.format, mean = "epoch json log", True
    yield rows.records(account, facts=facts, loss_is_mean=mean, name=display_name(path))


def _read_line(line: bytes, rows: Rows, facts: dict[str, Any], account: Account) -> None:
    if not line.strip():
        account.ignore("blank")
        return
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        account.fail(line)
        return
    if isinstance(record, dict) and record.get("kind") == "normal_sessions":
        facts.setdefault("normal_sessions", checked(record))
        account.ignore("prose")
        return
    row = numbers_of(_named(record)) if isinstance(record, dict) else {}
    if not row:
        account.ignore("records without numbers")
        return
    for key, fact in COUNT_FACTS.items():
        value = row.get(key)
        if value is not None and value == int(value if math.isfinite(value) else 0):
            facts.setdefault(fact, int(value))
    if "nats_by_frequency" in row:
        facts.setdefault("nats_by_frequency", row["nats_by_frequency"])
    if row.get("mode_is_val"):
        row = {("val_" + key if key == "loss" else key): value for key, value in row.items()}
    row.pop("mode_is_val", None)
    if "data_time" in row and "step" in row and not row.keys() & {"loss", "iter", "epoch"}:
        del row["step"]  # OpenMMLab counts epochs there in the records of its evaluations
    rows.add(row)


_SAYS_THE_SET = frozenset(("mode", "split", "phase", "set", "subset", "stage"))


def _named(record: dict[str, Any]) -> dict[str, Any]:
    """Convert a record of one value, whose name is in a separate field, to one with a field of that name."""
    value = record.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return record
    said = next((key for key in ("name", "key", "metric", "tag") if isinstance(record.get(key), str)), None)
    if said is None or not record[said]:
        return record
    return {key: entry for key, entry in record.items() if key not in (said, "value")} | {record[said]: value}


def numbers_of(record: dict[str, Any], prefix: str = "", depth: int = 0) -> dict[str, float]:
    """The numbers of a record by name, without what is not a series, such as lists and `config`."""
    row: dict[str, float] = {}
    for key, value in record.items():
        label = f"{prefix}{key}"
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            row[label] = _real(value)
        elif isinstance(value, dict) and depth < DEEPEST and key != "config":
            row.update(numbers_of(value, f"{label}/", depth + 1))
        elif isinstance(value, str):
            if value.lower() in ("nan", "inf", "-inf", "infinity", "-infinity"):
                row[label] = float(value)
            elif (done := _OF_WHOLE.fullmatch(value)) and role(key.split("/")[0]) in ("step", "epoch"):
                name, _, whole = key.partition("/")  # {"global_step/max_steps": "10/1200"}
                row[f"{prefix}{name}"] = float(done[1])
                if whole:
                    row[f"{prefix}{whole}"] = float(done[2])
            elif role(key) in ("elapsed", "seconds") and (spent := _seconds(value)) is not None:
                row[label] = spent
            elif key in _SAYS_THE_SET and is_held_out(value):
                row["mode_is_val"] = 1.0
    return row


def _seconds(text: str) -> float | None:
    """The seconds of a time such as `1 day, 2:03:04`, `12:30` or `1h 2m 3s`; None for other texts."""
    match = _CLOCK.fullmatch(text) or _IN_WORDS.fullmatch(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 86_400 * days + 3600 * hours + 60 * minutes + seconds


def _real(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


READER = Reader(name, sure, read)
