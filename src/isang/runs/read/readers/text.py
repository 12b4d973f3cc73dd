"""Text that a training script printed: our own log, the reference's, progress bars, `key=value` of any kind."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from isang.errors import InputError
from isang.runs.read.content import LineBlocks
from isang.runs.read.lines.boxes import Boxes
from isang.runs.read.lines.decimal_comma import has_decimal_commas, with_points
from isang.runs.read.lines.headings import heading_of
from isang.runs.read.lines.own_log import is_normal_sessions, normal_sessions
from isang.runs.read.lines.shapes import SCANNED, ShapeReader, without_colours
from isang.runs.read.readers.reader import LAST_RESORT, Reader
from isang.runs.read.rows import COMMAS, Account, LoggedRows, display_name
from isang.runs.read.series_names import normal

name = "text"

_COUNTS = {
    "epochs": r"(?:총 에폭|num[_ ](?:train[_ ])?epochs|max[_ ]epochs?|total epochs|(?<![\w-])epochs)"
    r"\s*[=:]\s*(\d[\d,]*)"
    r"|--(?:num_train_)?epochs[ =](\d+)",
    "planned_steps": r"(?:예상 총 스텝|total optimization steps|max_steps|total[_ ]steps|num_iterations|"
    r"(?:num|max)_train(?:ing)?_steps)"
    r"\s*[=:]\s*(\d[\d,]*)|--training\.steps=(\d+)|INFO plan .*(?<!\w)steps=(\d+)",
    "batches_per_epoch": r"(?:에폭당 배치 수|batches_per_epoch|steps_per_epoch)\s*[=:]\s*(\d[\d,]*)"
    r"|Total Micro Batches (\d+)",
    "batch_size_per_device": r"(?:GPU당 배치 크기|batch size per device|batch_size_per_device)\s*[=:]\s*(\d[\d,]*)"
    r"|--per_device_train_batch_size[ =](\d+)|local batch size (\d+)",
    "batch_size": r"(?<!당 )(?<![\w])(?:배치 크기|batch_size|(?:global|total train) batch size[^=:\d]{0,40})"
    r"\s*[=: ]\s*(\d[\d,]*)(?![\d.,]*\s*\*)",
    "devices": r"(\d+)\s*개\s*GPU|(?<!\w)devices=(\d+)|(?<!\w)NGPU=(\d+)",
    "vocabulary_size": r"(?:vocabulary_size|vocab_size)\s*[=:]\s*(\d[\d,]*)",
    "warmup_steps": r"(?<!\w)warmup_steps\s*[=:]\s*(\d[\d,]*)",
    "best_epoch": r"INFO done .*(?<!\w)best_epoch=(\d+)",
}
_COUNT_PATTERNS = {fact: re.compile(pattern, re.IGNORECASE) for fact, pattern in _COUNTS.items()}
_MEASURES = {
    "learning_rate": re.compile(
        r"(?:학습률|(?<!\w)learning_rate|--learning_rate|--lr)[\s=:]+(\d[\d.eE+-]*)", re.IGNORECASE
    ),
    "nats_by_frequency": re.compile(r"INFO plan .*(?<!\w)nats_by_frequency=(\d[\d.eE+-]*)"),
}
_EARLY = re.compile(
    r"INFO stopped step=|epoch \d+: early stopping|vorzeitig (?:beendet|abgebrochen)|조기 종료(?:합니다|됨|되었|했)|"
    r"(?:触发|觸發)(?:早停|提前停止)|提前停止(?:训练|訓練)|早停(?:触发|停止)|"
    r"early[ _-]?stop(?:ped|ping)?\b(?!\s*=)(?=.*(?:reached|trigger|at |after|epoch))",
    re.I,
)
_COMPLETE = re.compile(r"학습 완료|training (?:is )?(?:completed?|finished|done)|train finished|INFO done steps=", re.I)
_HEADING = re.compile(
    rb"\W{0,9}(?:test|val|valid|validation|eval|evaluation)"
    rb"(?:(?: (?:error|results?|set|loss|metrics))?:| (?:results|metrics|performance))\s*$",
    re.IGNORECASE,
)
_EVALUATED = re.compile(rb"\W{0,9}(?:evaluat|validat|test|eval|val)\w*\b[^|\d]{0,40}100%\|", re.IGNORECASE)
_FIRST_NUMBER = re.compile(rb"\d+")
MOST_BELOW = 40
"""Indented lines below such a heading that belong to it."""
_OWN = re.compile(rb" INFO isang \S+ training log \d+")
_AVERAGING = (
    ("huggingface trainer text", {"loss", "learning_rate", "train_runtime"}),
    ("huggingface trainer text", {"loss", "learning_rate", "eval_runtime"}),
    ("fairseq text", {"num_updates", "wps"}),
    ("megatron text", {"lm_loss", "elapsed_time_per_iteration"}),
    ("detectron2 text", {"total_loss", "data_time", "max_mem"}),
    ("openmmlab text", {"loss", "data_time", "memory", "eta"}),
)
"""Tools that print means over the steps since the previous line, recognised by their series."""
_STOP_REASON = re.compile(r"INFO stopped step=.*reason=(\w+)")


def sure(head: bytes, path: Path) -> float:
    """Any text that is not mostly control characters; the last resort of the readers."""
    sample = head[:8192]
    odd = sum(byte < 8 or 13 < byte < 27 or 27 < byte < 32 for byte in sample)
    return LAST_RESORT if b"\x00" not in sample and odd <= len(sample) // 100 else 0.0


def read(path: Path) -> Iterator[LoggedRows]:
    """The rows of the file. Raises InputError where no line holds a named number."""
    blocks, account = LineBlocks(path), Account(path.name, name)
    found = rows_of(blocks, account, path)
    account.size_bytes, account.lines = blocks.size_bytes, blocks.lines
    account.ignored["blank"] = account.ignored.get("blank", 0) - blocks.too_long
    account.ignore(f"longer than {1 << 16:,} bytes", blocks.too_long)
    account.ignored = {why: count for why, count in account.ignored.items() if count}
    yield found


def rows_of(blocks: Iterable[list[bytes]], account: Account, path: Path) -> LoggedRows:
    """The rows of blocks of lines. Raises InputError where no line holds a named number."""
    reader, boxes = ShapeReader(), Boxes()
    headings, commas = 0, False
    for index, lines in enumerate(blocks):
        if index == 0 and lines and _OWN.search(lines[0]):
            account.format = "isang training log"
        if index == 0 and (commas := has_decimal_commas(lines)):
            account.notes.append(COMMAS)
        before = len(lines := _after_evaluations(_plain_lines([with_points(x) for x in lines] if commas else lines)))
        headings += before - len(lines := _with_headings(lines))
        if lines := boxes.without(lines):
            reader.feed(lines)
    if rest := boxes.rest():
        reader.feed(rest)
    account.ignore("blank", reader.blank)
    account.ignore("headings", headings)
    account.ignore("prose", reader.prose)
    account.ignore("lines of a box", boxes.joined)
    account.failed += reader.unread
    if not reader.rows:
        raise InputError(f"{path} holds no line with a named number such as `step=1 loss=2.5`: it is no training log")
    if "@bar_seconds" in reader.columns:
        account.format = "text with progress bars"
    printed = {normal(name) for name in reader.columns}
    tool = next((tool for tool, series in _AVERAGING if series <= printed), None)
    account.format = tool or account.format
    facts = facts_of(reader.prose_lines)
    if account.format == "isang training log" and not facts.get("completed"):
        facts["unfinished"] = True
    return LoggedRows(
        account, reader.columns, reader.rows, reader.nan_rows(), facts, totals=reader.totals,
        loss_is_mean=True if tool else None, name=display_name(path),
    )  # fmt: skip


def _with_headings(lines: list[bytes]) -> list[bytes]:
    """The lines; one that only names the held-out set (`Test Error:`) and the indented ones after it are joined."""
    if not any(_HEADING.match(line) for line in lines):
        return lines
    joined: list[bytes] = []
    below = 0
    for index, line in enumerate(lines):
        if _HEADING.match(line):
            below = 0 if _is_above_table(lines[index + 1 : index + 3]) else MOST_BELOW
            joined.append(line)
        elif below and line[:1] in (b" ", b"\t") and line.strip():
            below -= 1
            joined[-1] = joined[-1].rstrip() + b" " + line.strip()
        else:
            below = 0
            joined.append(line)
    return joined


def _after_evaluations(lines: list[bytes]) -> list[bytes]:
    """The lines; one that names the step of the loss before it, below the bar of an evaluation, is of the held-out set.

    Flax prints both alike: `Step... (500 | Loss: 2.6, Acc: 0.4)`.
    """
    if not any(_EVALUATED.match(line) for line in lines):
        return lines
    told, step, evaluated = [], b"", False
    for line in lines:
        if b"|" in line and _EVALUATED.match(line):
            evaluated = True
        elif b"loss" in line.lower() and (first := _FIRST_NUMBER.search(line)):
            line = b"val: " + line if evaluated and first.group() == step else line
            step, evaluated = first.group(), False
        told.append(line)
    return told


def _is_above_table(below: list[bytes]) -> bool:
    """Whether the next lines begin a table."""
    return bool(below) and bool(heading_of(*(line[:SCANNED].decode("utf-8", "replace") for line in below)))


def _plain_lines(lines: list[bytes]) -> list[bytes]:
    if b"\x1b" in b"\n".join(lines):  # one long search instead of one per line
        return [without_colours(line) for line in lines]
    return lines


def facts_of(lines: list[str]) -> dict[str, Any]:
    """What the log states about the run in words: counts, sizes, how it ended."""
    facts: dict[str, Any] = {}
    for line in lines:
        if is_normal_sessions(line):
            facts["normal_sessions"] = normal_sessions(line)
            continue
        for fact, pattern in _COUNT_PATTERNS.items():
            if fact not in facts and (match := pattern.search(line)):
                facts[fact] = int(next(group for group in match.groups() if group).replace(",", ""))
        for fact, pattern in _MEASURES.items():
            if fact not in facts and (match := pattern.search(line)):
                facts[fact] = _number(match.group(1))
        if match := _STOP_REASON.search(line):
            facts["stop_reason"] = match.group(1)
        if _EARLY.search(line):
            facts["stopped_early"] = True
        if _COMPLETE.search(line):
            facts["completed"] = True
    return {fact: value for fact, value in facts.items() if value is not None}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


READER = Reader(name, sure, read)
