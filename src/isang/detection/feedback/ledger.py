"""`feedback.jsonl` in a model folder: every answer and every undo is one line, appended, never changed."""

import os
from collections.abc import Sequence
from pathlib import Path

from isang.artifact import FEEDBACK, model_folder
from isang.detection.feedback.answers import Answer, Entry, entry_of, in_effect
from isang.detection.feedback.coverage import Answers
from isang.errors import InputError, UsageError
from isang.files import locked, read_bytes, saying_where, to_json
from isang.json_files import anything, from_json

MOST_BYTES = 64 << 20
MOST_ENTRIES = 50_000


def ledger_of(model: Path) -> Path:
    """The file of a model folder, or of a run folder with one in it; it need not exist."""
    return model_folder(model) / FEEDBACK


def read_ledger(path: Path) -> list[Entry]:
    """All entries of a file, checked; none where there is no file. Raises InputError that names the line.

    What stands behind the last line end was not finished when its writer was killed, and is no entry.
    """
    if not path.exists():
        return []
    content = read_bytes(path, MOST_BYTES)
    lines = content.split(b"\n")[:-1]
    if len(lines) > MOST_ENTRIES:
        raise InputError(f"{path} has {len(lines):,} lines, at most {MOST_ENTRIES:,} are read; remove old ones")
    entries = []
    for number, line in enumerate(lines, 1):
        place, then = f"{path}:{number}", "put the file back as it was, or remove this line"
        value = from_json(line, anything, place, then)
        try:
            entries.append(entry_of(value))
        except ValueError as error:
            raise InputError(f"{place} cannot be used: {error}; {then}") from error
    return entries


def answers_beside(model: Path) -> Answers:
    """What the answers beside a model cover."""
    return Answers(in_effect(read_ledger(ledger_of(model))))


def entries_beside(model: Path) -> list[Entry]:
    """The entries beside a model that may not be there."""
    return read_ledger(ledger_of(model)) if model.exists() else []


def append(path: Path, entries: Sequence[Entry]) -> None:
    """Add entries that are not there yet, all of them or none; they are on disk when this returns.

    Raises UsageError where the file has no room for them, InputError and OutputError.
    """
    with saying_where(path), locked(path.parent.parent):
        known = {entry.id for entry in read_ledger(path)}
        new = [entry for entry in entries if entry.id not in known]
        if len(known) + len(new) > MOST_ENTRIES:
            raise UsageError(f"{path} has room for {MOST_ENTRIES:,} answers; remove old ones")
        text = "".join(to_json(entry.to_dict(), indent=None) for entry in new).encode()
        if not text:
            return
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            whole = _whole(path, os.fstat(descriptor).st_size)
            os.ftruncate(descriptor, whole)
            if os.pwrite(descriptor, text, whole) < len(text):
                os.ftruncate(descriptor, whole)
                raise OSError(28, "no space left on device")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def find_answer(entries: Sequence[Entry], name: str, path: Path) -> Answer:
    """The answer in effect with this id. Raises UsageError."""
    for answer in in_effect(entries):
        if answer.id == name:
            return answer
    raise UsageError(f"{path} has no answer {name!r} in effect; `isang feedback MODEL --list` shows those it has")


def _whole(path: Path, size: int) -> int:
    """Bytes up to the last line end."""
    return 0 if not size else read_bytes(path, MOST_BYTES).rfind(b"\n") + 1
