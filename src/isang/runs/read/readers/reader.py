"""What a reader of run logs is."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from isang.errors import UsageError
from isang.runs.read.rows import LoggedRows

CERTAIN, LIKELY, POSSIBLE, LAST_RESORT = 1.0, 0.8, 0.6, 0.1
"""A mark of the format itself; its structure; names and numbers that fit; any text."""


@dataclass(frozen=True)
class Reader:
    """Reads one family of formats. A file is read by the reader with the highest certainty, whatever their order."""

    name: str
    sure: Callable[[bytes, Path], float]
    """From the (decompressed) first bytes and the path: how sure the reader is that the file is its own, 0 to 1."""
    read: Callable[[Path], Iterable[LoggedRows]]
    """One LoggedRows per run or table in the file, in its order. Raises InputError where the file cannot be read."""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise UsageError(f"a reader needs a name, got {self.name!r}; set name='my format'")
        for part in ("sure", "read"):
            if not callable(getattr(self, part)):
                raise UsageError(f"reader {self.name!r}: {part} must be a function, got {getattr(self, part)!r}")

    def certainty(self, head: bytes, path: Path) -> float:
        """The result of `sure`. Raises UsageError if it is not a number from 0 to 1."""
        said = self.sure(head, path)
        if not isinstance(said, int | float) or not 0 <= said <= 1:
            raise UsageError(f"reader {self.name!r}: sure must return a number from 0 to 1, got {said!r}")
        return float(said)
