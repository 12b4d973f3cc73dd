"""Rotated logs: the file that a position belongs to is found again by what it holds, whatever its name is now."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from isang.compression import COMPRESSED, DAMAGED, plain_blocks
from isang.errors import InputError
from isang.files import saying_where
from isang.logs.input.sources import rotated_set
from isang.progress import say

HEAD_BYTES = 256
MARK_BYTES = 64


@dataclass(frozen=True)
class Position:
    """Up to where a growing log has been read. Without a `head` nothing of it was there yet."""

    offset: int = 0
    """Bytes of the file before the first line that was not read."""
    line: int = 0
    """Lines before it."""
    head: bytes = b""
    """The first bytes of the file."""
    mark: bytes = b""
    """The last bytes before `offset`."""
    modified: int = 0
    """When the file was written to last, as far as it has been read; nanoseconds. Members after it are later."""
    inode: int = 0
    """Of the log when its content was first seen: where it is still the same later, members are copies of it."""
    rest: bytes = b""
    """The beginning of the first line, which is in the previous file, because the log was copied within a line."""
    previous: str | None = None
    """The last line that was read."""
    within_line: bool = False
    """The rest of a line follows that was too long and has been used already."""


class MemberFile:
    """One file of a rotated set, open; a compressed one is unfolded into a temporary file without a name.

    Raises FileNotFoundError where it is gone, InputError where it cannot be read, OutputError without room.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        self._plain = _unfolded(path) if is_compressed(path) else os.dup(self._file)

    def state(self) -> os.stat_result:
        """Size, times and inode now."""
        return os.fstat(self._file)

    def read(self, size: int, offset: int) -> bytes:
        """Plain content."""
        return os.pread(self._plain, size, offset)

    def holds(self, position: Position) -> bool:
        """It begins with the head, and what stands before the position is what was read."""
        mark = position.mark
        return (
            self.read(len(position.head), 0) == position.head
            and self.read(len(mark), position.offset - len(mark)) == mark
        )

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)
        os.close(self._plain)


def is_compressed(path: Path) -> bool:
    """By the ending of its name."""
    return path.suffix.lower() in COMPRESSED


def members(log: Path) -> list[tuple[Path, os.stat_result]]:
    """The files of the rotated set of `log`, oldest first; of a file beside its compressed copy the plain one."""
    found = []
    for path in rotated_set(log):
        if is_compressed(path) and path.with_suffix("").exists():
            continue
        try:
            found.append((path, path.stat()))
        except FileNotFoundError:
            continue
    return found


def names(found: list[tuple[Path, os.stat_result]]) -> list[tuple[Path, int, int]]:
    """The identity of a state of a rotated set: rotation changes it, writing does not."""
    return [(path, state.st_dev, state.st_ino) for path, state in found]


def holder(found: list[tuple[Path, os.stat_result]], position: Position) -> MemberFile | None:
    """The member that the position belongs to, open; None if there is none.

    Members not written since the position was recorded are tried last. If several match, because little of the content
    is known yet, it is the oldest of them.
    """
    if not position.head:
        return None
    for path, _ in sorted(found, key=lambda member: member[1].st_mtime_ns < position.modified):
        try:
            if is_compressed(path) and not _begins_with(path, position.head):
                continue
            member = MemberFile(path)
        except (FileNotFoundError, *DAMAGED):
            continue
        if member.holds(position):
            return member
        member.close()
    return None


def _begins_with(path: Path, head: bytes) -> bool:
    with path.open("rb") as file:
        return next(plain_blocks(file, path, hashlib.sha256()), b"").startswith(head)


def _unfolded(path: Path) -> int:
    """A descriptor of the plain content, as far as it can be read."""
    with path.open("rb") as file, tempfile.TemporaryFile(prefix="isang-") as plain:
        try:
            for block in plain_blocks(file, path, hashlib.sha256()):
                with saying_where(Path(tempfile.gettempdir())):
                    plain.write(block)
                    plain.flush()
        except DAMAGED as error:
            say(f"{path}: nothing could be read after {plain.tell():,} bytes of text: {error}")
        return os.dup(plain.fileno())
