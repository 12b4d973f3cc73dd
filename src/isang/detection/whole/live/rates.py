"""Changed rates while they last: the lines of each series in the latest windows.

Shapes: W windows.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from isang.detection.threshold.calibration import fit_tail
from isang.detection.threshold.stretches import LEAST_STRETCHES, SCALE
from isang.detection.whole.entries import TOLD
from isang.detection.whole.live.going import Going
from isang.detection.whole.over_time.lines import ALL, ERRORS, WARNINGS
from isang.detection.whole.over_time.told_lines import rate_told
from isang.detection.whole.over_time.volume import KnownRates, changes_of, known_rates, worst_of

PARTS = 10
"""A stretch is this part of the windows of the training period..."""
MOST_WINDOWS = 60
"""... or this many windows, if that is fewer."""
DAY_SECONDS = 86_400.0
HOLD_SECONDS = 60.0
"""A change is over when the rate has been usual for so long, and for one window."""
MOST_HELD = 10_000
"""Maximum number of windows held, judged or not; of more, the half that is nearest in time is kept."""
_OF_EVERY_LOG = (ALL, ERRORS, WARNINGS)


class LiveRates:
    """Compares the rates of the latest windows with those of the training period, see `changes`.

    A window is judged when it and the next one have come. A p-value is that of a stretch of `stretch_seconds`, and of
    a day at least for a change in a single window: many windows are compared all day, and normal ones beside each other
    are seldom unusual. A log that the training period lacks, and one that never came here, are not compared.
    """

    def __init__(self, known: pl.DataFrame | None, stretch_seconds: float) -> None:
        self._known = KnownRates({}, shows_days=False) if known is None else known_rates(known)
        self._series = self._known.series
        self.seconds = 0.0 if known is None else float(known["window_seconds"][0])
        """The length of a window; 0 where nothing is known."""
        self._lines: dict[int, Counter[str]] = {}  # by the number of the window; of every window that has lines
        self._came: set[str] = set()  # series that came since the beginning
        self._judged: int | None = None  # the latest window that was judged
        self._found: list[Going] | None = None  # what is known of the windows up to that
        if known is None:
            return
        worst_W = worst_of(known)
        self._length = max(1, min(MOST_WINDOWS, len(worst_W) // PARTS))
        number = max(LEAST_STRETCHES, len(worst_W) // self._length)
        self._tail = fit_tail(np.array([part.max() for part in np.array_split(worst_W, number)]), SCALE)
        own = self._length * self.seconds
        self._parts = max(1.0, stretch_seconds / own)
        self._parts_of_one = max(self._parts, DAY_SECONDS / own)

    @property
    def watched(self) -> int:
        """Number of series."""
        return len(self._series)

    def came(self, start: float, series: str, lines: int) -> None:
        """Note lines of a series that came at `start`, in seconds since 1970."""
        if self.seconds:
            window = self._lines.setdefault(int(start // self.seconds), Counter())
            if len(self._lines) > MOST_HELD:
                self._thin_out(int(start // self.seconds))
            if series in self._series:
                window[series] += lines
                self._came.add(series)

    def set_back(self) -> None:
        """The clock of the log goes on from an earlier time."""
        self._lines.clear()
        self._judged, self._found = None, None

    def found(self, until: float) -> list[Going]:
        """The changes within the latest windows that are over at `until`."""
        whole = [
            one
            for one in sorted(self._lines)
            if one - 1 in self._lines and one + 1 in self._lines and (one + 1) * self.seconds <= until
        ]
        new = sum(self._judged is None or one > self._judged for one in whole)
        if whole and (new or self._found is None):
            length = self._length
            ends = range(len(whole) - max(0, new - 1) // length * length, len(whole) + 1, length)
            parts = [whole[max(0, end - length) : end] for end in ends]
            self._found = [going for part in parts for going in self._judge(part, whole[-1])]
            self._judged = whole[-1]
            self._forget(whole)
        return self._found or []

    def _judge(self, windows: list[int], latest: int) -> list[Going]:
        starts_W = np.array(windows, dtype=np.float64) * self.seconds
        now = {
            name: np.array([self._lines[one][name] for one in windows], dtype=np.float64)
            for name in self._series
            if name in self._came or name in _OF_EVERY_LOG
        }
        found = []
        for change in changes_of(self._known, now, starts_W, self.seconds):
            lasted = (change.last - change.first).total_seconds() > self.seconds
            p_values = self._tail.p_values(np.array([change.score, change.beyond_load]))
            p_value = min(1.0, float(p_values.max()) * (self._parts if lasted else self._parts_of_one))
            if p_value <= TOLD:
                over = change.last.timestamp() + max(HOLD_SECONDS, self.seconds) < (latest + 1) * self.seconds
                found.append(Going(rate_told(change, p_value), over))
        return sorted(found, key=lambda going: going.change.p_value)

    def _forget(self, whole: list[int]) -> None:
        first = whole[-self._length] if len(whole) >= self._length else whole[0]
        for one in [one for one in self._lines if one < first - 1]:
            del self._lines[one]

    def _thin_out(self, window: int) -> None:
        at = window if self._judged is None else self._judged
        nearest = sorted(self._lines, key=lambda one: abs(one - at))[: MOST_HELD // 2]
        self._lines = {one: self._lines[one] for one in {*nearest, window}}

    def to_dict(self) -> dict[str, Any]:
        """What `restore` needs; plain JSON values."""
        windows = [[one, dict(counts)] for one, counts in self._lines.items()]
        return {"seconds": self.seconds, "windows": windows, "came": sorted(self._came), "judged": self._judged}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from where `to_dict` was, unless its windows were of another length."""
        self._came = {name for name in kept["came"] if name in self._series}
        if kept["seconds"] == self.seconds:
            self._lines = {int(one): Counter(counts) for one, counts in kept["windows"]}
            self._judged = kept["judged"]
