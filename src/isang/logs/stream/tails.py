"""Growing files and pipes to chunks of whole lines, across rotation, truncation and restarts."""

import codecs
import fcntl
import os
import select
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from isang.logs.input.chunks import CHUNK_BYTES, Chunk, ReadCounts, checked_text, text_of
from isang.logs.stream.rotation import (
    HEAD_BYTES,
    MARK_BYTES,
    MemberFile,
    Position,
    holder,
    is_compressed,
    members,
    names,
)
from isang.progress import say

PIPE_BYTES = 1 << 20
"""Requested pipe buffer size, if the system supports it: a larger buffer needs fewer polls."""
BEGINNING_BYTES = 1 << 20
"""Number of first bytes of a file examined for its layout."""


def taken(position: Position, block: bytes, counts: ReadCounts, max_line_bytes: int) -> tuple[Chunk | None, Position]:
    """The lines of `block`, which starts at `position`, and the position after them.

    None if all of it belongs to a line that was too long and has already been used.
    """
    lines = block
    if position.within_line:
        lines = block[block.find(b"\n") + 1 :] if b"\n" in block else b""
    if position.offset == 0:
        lines = position.rest + lines.removeprefix(codecs.BOM_UTF8)
    chunk, line, previous = None, position.line, position.previous
    if lines:
        text = text_of(lines.removesuffix(b"\n"), counts, max_line_bytes=max_line_bytes)
        chunk = Chunk(text, line + 1, previous)
        line, previous = line + text.count("\n") + 1, text[text.rfind("\n") + 1 :]
    behind = replace(
        position, offset=position.offset + len(block), line=line, mark=(position.mark + block)[-MARK_BYTES:],
        rest=b"", previous=previous, within_line=not block.endswith(b"\n"),
    )  # fmt: skip
    return chunk, behind


class Tail(Protocol):
    """A log that grows."""

    path: Path
    position: Position

    @property
    def name(self) -> str:
        """What the user sees."""

    def read(self) -> Chunk | None:
        """The complete lines since the last call, about CHUNK_BYTES at most; None if there are none yet."""

    def last(self) -> Chunk | None:
        """The text after the last line end, as a line, for when nothing more will come."""

    def beginning(self) -> str:
        """The first lines of what has been read, where they can be read again."""

    def modified(self) -> datetime:
        """When the last line was written."""

    @property
    def ended(self) -> bool:
        """Nothing more can come."""


class FileTail:
    """Follows a log by the name of its rotated set, whatever happens to its files.

    A file that was rotated by renaming or copying is read to its end in its new place, compressed or not, then the
    members after it in order; a missing log is waited for. `position` is where an earlier process stopped; without one
    reading starts with `start`, a member of the set, or with the file of its name.
    """

    ended = False

    def __init__(
        self, path: Path, name: str, *, max_line_bytes: int, start: Path | None = None, position: Position | None = None
    ) -> None:
        self.path, self._shown = path, Path(name)
        self._max_line_bytes = max_line_bytes
        self.position = position or Position()
        self.counts = ReadCounts()
        self._reading = path
        self._file: MemberFile | None = None
        self._waiting = False
        if position is None:
            self._start(start or path)

    @property
    def name(self) -> str:
        """The name of the file that is being read, which may be an older member of the rotated set."""
        return str(self._shown.with_name(self._reading.name))

    def read(self) -> Chunk | None:
        """See Tail. Raises InputError where the file cannot be read."""
        while (file := self._file or self._found()) is not None:
            block = file.read(CHUNK_BYTES, self.position.offset)
            if not file.holds(self.position):  # asked after reading: then the block is of the same content
                self._close()
                continue
            whole = block[: block.rfind(b"\n") + 1]
            if not whole and len(block) == CHUNK_BYTES:
                whole = block  # one long line: its beginning is used, the rest skipped
            if whole:
                chunk = self._taken(whole)
            elif (successor := self._successor(file)) is not None:
                chunk = self._gone_on(file, block, successor)
            else:
                return None
            if chunk is not None:
                return chunk
        return None

    def last(self) -> Chunk | None:
        """See Tail."""
        block = b"" if self._file is None else self._file.read(CHUNK_BYTES, self.position.offset)
        return self._taken(block) if block else None

    def beginning(self) -> str:
        """See Tail."""
        block = b"" if self._file is None else self._file.read(min(BEGINNING_BYTES, self.position.offset), 0)
        return text_of(block[: block.rfind(b"\n") + 1], ReadCounts(), max_line_bytes=self._max_line_bytes)

    def modified(self) -> datetime:
        """See Tail."""
        if self._file is None:  # a rotated file was read to its end, and the next one is not open yet
            return datetime.now(UTC)
        return datetime.fromtimestamp(self._file.state().st_mtime, UTC)

    def _taken(self, block: bytes) -> Chunk | None:
        if self.counts.bytes == 0:
            checked_text(block, self._reading)
        self.counts.bytes += len(block)
        chunk, self.position = taken(self.position, block, self.counts, self._max_line_bytes)
        if self._file is not None:
            self._known(self._file)
        return chunk

    def _known(self, file: MemberFile) -> None:
        """Keep what the file is found again by."""
        head = file.read(HEAD_BYTES, 0) if len(self.position.head) < HEAD_BYTES else self.position.head
        self.position = replace(self.position, head=head, modified=file.state().st_mtime_ns)

    def _start(self, start: Path) -> None:
        """Begin with the first member from `start` on that holds something; where none does, with what comes later."""
        there = [member for member in members(self.path) if not is_compressed(member[0])]
        paths = [path for path, _ in there]
        begins = there[paths.index(start) :] if start in paths else []
        held = next(((path, state) for path, state in begins if state.st_size), None)
        if held is None:
            modified = max((state.st_mtime_ns for _, state in there), default=0)
            self.position = Position(modified=modified, inode=_inode(self.path) or 0)
            return
        try:
            file = MemberFile(held[0])
        except FileNotFoundError:  # it has just been renamed
            self.position = Position(modified=held[1].st_mtime_ns - 1)
            return
        checked_text(file.read(CHUNK_BYTES, 0), held[0])
        self._begin(file)

    def _begin(self, file: MemberFile, *, rest: bytes = b"") -> None:
        self._file, self._reading, self._waiting = file, file.path, False
        same = self.position.inode == _inode(self.path)
        self.position = Position(inode=self.position.inode if same else file.state().st_ino, rest=rest)
        self._known(file)

    def _found(self) -> MemberFile | None:
        """Open the file that the position belongs to; if it is gone, the file written after it."""
        there = members(self.path)
        file = holder(there, self.position)
        if names(there) != names(members(self.path)):  # it is being rotated: look again later
            return None
        if file is not None:
            self._file, self._reading, self._waiting = file, file.path, False
            return file
        if self.position.head:
            say(
                f"{self.name} was written anew and what stood there before is not beside it: lines that came to it "
                f"after line {self.position.line:,}, if any, could not be read any more"
            )
            self.position = Position(modified=self.position.modified, inode=_inode(self.path) or 0)
        later = self._later(there)
        if later is None:
            if not there and not self._waiting:
                say(f"waiting for {self.path}, which is not there")
            self._waiting = not there
            return None
        self._begin(later)
        return later

    def _successor(self, file: MemberFile) -> MemberFile | None:
        """The file in which the log continues, once it is not empty."""
        own = file.state()
        if own.st_ino == _inode(self.path):
            return None
        there = members(self.path)
        places = [place for place, (_, state) in enumerate(there) if os.path.samestat(own, state)]
        if not places:
            copy = holder(there, self.position)  # compressed or copied since
            places = [place for place, (path, _) in enumerate(there) if copy is not None and path == copy.path]
            if copy is not None:
                copy.close()
        return self._later(there, places[0] + 1 if places else None)

    def _later(self, there: list[tuple[Path, os.stat_result]], place: int | None = None) -> MemberFile | None:
        """The first member from `place` on that holds something, open; without a place by when it was written."""
        for number, (path, state) in enumerate(there):
            after = number >= place if place is not None else state.st_mtime_ns > self.position.modified
            if state.st_size and (after or (place is None and path == there[-1][0])):
                try:
                    file = MemberFile(path)
                except FileNotFoundError:
                    return None
                if names(there) == names(members(self.path)):
                    return file
                file.close()  # it is being rotated: look again later
                return None
        return None

    def _gone_on(self, file: MemberFile, block: bytes, successor: MemberFile) -> Chunk | None:
        """Leave a file that was read to its end for its successor; `block` stands behind its last line end.

        Where the log was copied and emptied, what begins in the copy goes on in the log; else it is a line.
        """
        copied = file.state().st_ino != self.position.inode == _inode(self.path)
        rest = self.position.rest + block if copied and not self.position.offset else block
        chunk = None if copied or not block else self._taken(block)
        self._close()
        self._begin(successor, rest=rest if copied else b"")
        return chunk

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


class PipeTail:
    """A stream that cannot be read twice, such as standard input; it ends where its writer closes it."""

    def __init__(self, descriptor: int, name: str, *, max_line_bytes: int) -> None:
        self._descriptor = descriptor
        with suppress(AttributeError, OSError):  # Linux, and no pipe that is a file
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.path, self.name = Path(name), name
        self._max_line_bytes = max_line_bytes
        self.position = Position()
        self.counts = ReadCounts()
        self.ended = False
        self._rest = b""  # the beginning of a line whose end has not come yet

    def read(self) -> Chunk | None:
        """See Tail."""
        while not self.ended and select.select([self._descriptor], [], [], 0)[0]:
            block = os.read(self._descriptor, CHUNK_BYTES)
            self.ended = not block
            self._rest += block
            if len(self._rest) >= CHUNK_BYTES:
                break
        end = self._rest.rfind(b"\n") + 1
        if not end and len(self._rest) >= CHUNK_BYTES:
            end = len(self._rest)
        whole, self._rest = self._rest[:end], self._rest[end:]
        return self._taken(whole) if whole else None

    def last(self) -> Chunk | None:
        """See Tail."""
        block, self._rest = self._rest, b""
        return self._taken(block) if block else None

    def beginning(self) -> str:
        """Nothing: a stream cannot be read again."""
        return ""

    def modified(self) -> datetime:
        """See Tail."""
        return datetime.now(UTC)

    def _taken(self, block: bytes) -> Chunk | None:
        if self.counts.bytes == 0:
            checked_text(block, Path(self.name))
        self.counts.bytes += len(block)
        chunk, self.position = taken(self.position, block, self.counts, self._max_line_bytes)
        return chunk
