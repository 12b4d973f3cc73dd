"""Progress on stderr: a bar on a terminal, a plain line every few seconds elsewhere."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from isang.formatting import printable_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

QUIET_SECONDS = 2.0
"""Work shorter than this shows no progress."""
LINE_SECONDS = 5.0
"""Without a terminal, minimum time between lines."""


class Progress:
    """Progress of one piece of work, used as a context manager.

    `total` is the expected amount in `unit`, None if unknown. Call `advance(amount)` as work gets done; `note` changes
    the text after the bar. `silent` shows nothing: only one of several processes reports progress.
    """

    def __init__(self, what: str, *, total: float | None = None, unit: str = "", silent: bool = False) -> None:
        self._silent = silent
        self._what, self._total, self._unit = printable_line(what), total, unit
        self._done = 0.0
        self._note = ""
        self._started = self._last_line = time.monotonic()
        self._bar: RichProgress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self, amount: float = 1.0, *, note: str | None = None) -> None:
        """Count `amount` more as done, and update the display if it is due."""
        self._done += amount
        if note is not None:
            self._note = printable_line(note)
        now = time.monotonic()
        if self._silent or now - self._started < QUIET_SECONDS:
            return
        if sys.stderr.isatty():
            self._draw()
        elif now - self._last_line >= LINE_SECONDS:
            self._last_line = now
            say(self._line(now - self._started))

    def _line(self, seconds: float) -> str:
        amount = f"{self._done:,.0f}"
        if self._total:
            amount += f" of {self._total:,.0f} ({100 * min(1.0, self._done / self._total):.0f} %)"
        return "  ".join(
            part for part in (f"{self._what}: {amount} {self._unit}".rstrip(), f"{seconds:.0f} s", self._note) if part
        )

    def _draw(self) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
            from rich.progress import Progress as RichProgress

            self._bar = RichProgress(
                TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
                TimeRemainingColumn(), TextColumn("{task.fields[note]}", markup=False),
                console=Console(file=sys.__stderr__), transient=True,
            )  # fmt: skip
            self._bar.start()
            self._task = self._bar.add_task(self._what, total=self._total, note="")
        self._bar.update(self._task, completed=self._done, note=self._note)


def say(line: str) -> None:
    """Print one line to stderr; control characters in it are escaped."""
    print(printable_line(line), file=sys.stderr, flush=True)
