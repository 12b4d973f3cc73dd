"""Growing files and pipes to chunks of whole lines, across rotation, truncation and restarts."""

import codecs
import os
import select
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from isang.errors import InputError
from isang.logs.read import CHUNK_BYTES, Chunk, ReadCounts, checked_text, text_of
from isang.logs.sources import rotated_set
from isang.progress import say

MARK_BYTES = 64
"""The bytes before a position by which the content that it belongs to is found again."""

BEGINNING_BYTES = 1 << 20
"""The beginning of a file shows its layout; so much of it is looked at."""


@dataclass(frozen=True)
class Position:
    """Up to where a growing log has been read."""

    offset: int = 0
    """Bytes of the file before the first line that was not read."""
    line: int = 0
    """Lines before it."""
    mark: bytes = b""
    """The last bytes before `offset`: a file that has others there is another file, or was written anew."""
    previous: str | None = None
    """The last line that was read."""
    within_line: bool = False
    """The rest of a line follows that was too long and has been used already."""

    def take(self, block: bytes, counts: ReadCounts, max_line_bytes: int) -> tuple[Chunk | None, "Position"]:
        """The lines of `block`, which stands here, and the position behind them.

        None where all of it belongs to a line that was too long and has been used already.
        """
        lines = block
        if self.within_line:
            lines = block[block.find(b"\n") + 1 :] if b"\n" in block else b""
        if self.offset == 0:
            lines = lines.removeprefix(codecs.BOM_UTF8)
        chunk, line, previous = None, self.line, self.previous
        if lines:
            text = text_of(lines.removesuffix(b"\n"), counts, max_line_bytes=max_line_bytes)
            chunk = Chunk(text, self.line + 1, self.previous)
            line, previous = self.line + text.count("\n") + 1, text[text.rfind("\n") + 1 :]
        mark = (self.mark + block)[-MARK_BYTES:]
        return chunk, Position(self.offset + len(block), line, mark, previous, not block.endswith(b"\n"))


class Tail(Protocol):
    """A log that grows."""

    path: Path
    position: Position

    @property
    def name(self) -> str:
        """What the user sees."""

    def read(self) -> Chunk | None:
        """The whole lines that came since the last call, about CHUNK_BYTES at most; None where there are none yet."""

    def last(self) -> Chunk | None:
        """What stands behind the last line end, as the line that it is where nothing more comes."""

    def beginning(self) -> str:
        """The first lines of what has been read, where they can be read again."""

    def modified(self) -> datetime:
        """When the last line was written."""

    @property
    def ended(self) -> bool:
        """Nothing more can come."""


class FileTail:
    """A file by its path, whatever happens to it.

    Renamed or copied away and begun anew, it is read to its end in its new place and then from the start in the old
    one; absent, it is waited for. `position` is where an earlier process left off; `start` the oldest member of a
    rotated set that is to be read.
    """

    ended = False

    def __init__(
        self, path: Path, name: str, *, max_line_bytes: int, start: Path | None = None, position: Position | None = None
    ) -> None:
        self.path, self._shown = path, Path(name)
        self._max_line_bytes = max_line_bytes
        self.position = position or Position()
        self.counts = ReadCounts()
        self._reading = start or path
        self._file = -1  # descriptor
        self._waiting = False

    @property
    def name(self) -> str:
        """The name of the file that is being read, which may be an older member of the rotated set."""
        return str(self._shown.with_name(self._reading.name))

    def read(self) -> Chunk | None:
        """See Tail. Raises InputError where the file cannot be read."""
        while self._file >= 0 or self._open():
            if not self._intact():
                self._close()
                continue
            block = os.pread(self._file, CHUNK_BYTES, self.position.offset)
            whole = block[: block.rfind(b"\n") + 1]
            if not whole and len(block) == CHUNK_BYTES:
                whole = block  # one long line: its beginning is used, the rest skipped
            if whole:
                chunk = self._taken(whole)
                if chunk is not None:
                    return chunk
            elif (successor := self._successor()) is not None:
                chunk = self._taken(block) if block else None
                self._close()
                self._reading, self.position = successor, Position()
                if chunk is not None:
                    return chunk
            else:
                return None
        return None

    def last(self) -> Chunk | None:
        """See Tail."""
        block = os.pread(self._file, CHUNK_BYTES, self.position.offset) if self._file >= 0 else b""
        return self._taken(block) if block else None

    def beginning(self) -> str:
        """See Tail."""
        block = os.pread(self._file, min(BEGINNING_BYTES, self.position.offset), 0) if self._file >= 0 else b""
        return text_of(block[: block.rfind(b"\n") + 1], ReadCounts(), max_line_bytes=self._max_line_bytes)

    def modified(self) -> datetime:
        """See Tail."""
        if self._file < 0:  # a rotated file was read to its end, and the next one is not open yet
            return datetime.now(UTC)
        return datetime.fromtimestamp(os.fstat(self._file).st_mtime, UTC)

    def _taken(self, block: bytes) -> Chunk | None:
        if self.counts.bytes == 0:
            checked_text(block, self._reading)
        self.counts.bytes += len(block)
        chunk, self.position = self.position.take(block, self.counts, self._max_line_bytes)
        return chunk

    def _open(self) -> bool:
        """Open the file that the position belongs to; where it is gone, the log from its start."""
        for path in dict.fromkeys((self._reading, *reversed(rotated_set(self.path)))):
            try:
                self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InputError(f"cannot read {path}: {error.strerror}") from error
            if self._intact():
                self._reading, self._waiting = path, False
                return True
            self._close()
        if not self.path.exists():
            if not self._waiting:
                say(f"waiting for {self.path}, which is not there")
            self._waiting = True
            return False
        if self.position.offset:
            say(
                f"{self.name} was written anew and what stood there before is not beside it: lines that came to it "
                f"after line {self.position.line:,}, if any, are lost"
            )
        self._reading, self.position = self.path, Position()
        return self._open()

    def _intact(self) -> bool:
        """What stands before the position is what was read."""
        mark = self.position.mark
        return os.pread(self._file, len(mark), self.position.offset - len(mark)) == mark

    def _successor(self) -> Path | None:
        """The file in which the log goes on, once it holds something."""
        own = os.fstat(self._file)
        try:
            if os.path.samestat(own, self.path.stat()):
                return None
        except FileNotFoundError:
            return None
        members = rotated_set(self.path)
        places = [place for place, path in enumerate(members) if os.path.samestat(own, path.stat())]
        following = members[places[0] + 1] if places else self.path
        return following if following.stat().st_size else None

    def _close(self) -> None:
        os.close(self._file)
        self._file = -1


class PipeTail:
    """A stream that cannot be read twice, such as standard input; it ends where its writer closes it."""

    def __init__(self, descriptor: int, name: str, *, max_line_bytes: int) -> None:
        self._descriptor = descriptor
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
        chunk, self.position = self.position.take(block, self.counts, self._max_line_bytes)
        return chunk
