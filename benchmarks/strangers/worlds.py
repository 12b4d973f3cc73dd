"""What the invented services have in common: a clock, chance, and a fault that is there for a while."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

Line = tuple[float, str]
"""When it is written, in seconds since the log began, and what it says."""


@dataclass(frozen=True)
class Fault:
    """What is wrong in a stretch."""

    kind: str
    telling: str
    """An incident tells of it where its title or reasons match this pattern."""


class World:
    """A service that writes a log."""

    faults: ClassVar[dict[str, Fault]]

    def __init__(self, seed: int) -> None:
        self.random = random.Random(f"{type(self).__name__} {seed}")

    def second(self, at: int, broken: str) -> Iterator[Line]:
        """The lines that begin in a second; `broken` is the fault that is there, or nothing."""
        raise NotImplementedError

    def written(self, moment: datetime, text: str) -> str:
        """A line of the file."""
        raise NotImplementedError

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def code(self, length: int = 8) -> str:
        """Hexadecimal digits."""
        return f"{self.random.getrandbits(4 * length):0{length}x}"

    def around(self, usual: float, spread: float = 0.2) -> float:
        """A number with a short tail."""
        return usual * self.random.triangular(1 - spread, 1 + 2 * spread, 1)

    def log(self, day: int, seconds: int, fault: str = "", begin: int = 0, end: int = 0) -> str:
        """A log of so many seconds; the fault is there from `begin` on until before `end`."""
        start = datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(days=day)
        lines = [
            line
            for at in range(seconds)
            for line in self.second(at, fault if begin <= at < end else "")
            if line[0] < seconds
        ]
        return "".join(f"{self.written(start + timedelta(seconds=at), text)}\n" for at, text in sorted(lines))


def iso(moment: datetime) -> str:
    """With milliseconds, as in 2026-03-02T09:00:00.000Z."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def logfmt(**fields: Any) -> str:
    """name=value, with quotes where blanks need them."""
    return " ".join(f'{name}="{value}"' if " " in str(value) else f"{name}={value}" for name, value in fields.items())


def as_json(**fields: Any) -> str:
    """One JSON object."""
    return json.dumps(fields, separators=(",", ":"))
