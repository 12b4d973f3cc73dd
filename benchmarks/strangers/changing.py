"""Services whose normal days differ: the load, the version, the customers, the files, a restart."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar, NamedTuple

from strangers.worlds import Fault, World


class Entry(NamedTuple):
    """One line of one of the files."""

    at: float
    """Seconds since the log began."""
    text: str
    file: str = "app.log"


class ChangingWorld(World):
    """A service that writes one log or several, and what may change without anything being wrong."""

    changes: ClassVar[tuple[str, ...]]
    """What the name of a normal stretch means is up to the service: `load`, `night`, `deploy`..."""
    faults: ClassVar[dict[str, Fault]]
    training_seconds: ClassVar[int] = 10_800
    seconds: ClassVar[int] = 1_200

    def entries(self, at: int, now: str) -> Iterator[Entry]:
        """What is written from this second on; `now` is the change or the fault that is there, or nothing."""
        raise NotImplementedError

    def write(
        self, folder: Path, day: int, seconds: int, now: str = "", begin: int = 0, end: int = 0
    ) -> Sequence[Path]:
        """Write the files of a log; `now` holds from `begin` on until before `end`, seconds from its start."""
        start = datetime(2026, 5, 4, 8, tzinfo=UTC) + timedelta(days=day)
        by_file: dict[str, list[tuple[float, str]]] = defaultdict(list)
        for second in range(seconds):
            for at, text, file in self.entries(second, now if begin <= second < end else ""):
                if at < seconds:
                    by_file[file].append((at, text))
        folder.mkdir(parents=True, exist_ok=True)
        for file, lines in by_file.items():
            written = (f"{self.written(start + timedelta(seconds=at), text)}\n" for at, text in sorted(lines))
            (folder / file).write_text("".join(written), encoding="utf-8")
        return sorted(folder / file for file in by_file)
