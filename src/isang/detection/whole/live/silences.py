"""Silences while they last: how long each kind of line has not come, by the clock of the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from isang.detection.threshold.calibration import ScoreTail, fit_tail
from isang.detection.threshold.stretches import SCALE
from isang.detection.whole.entries import TOLD
from isang.detection.whole.live.going import Going
from isang.detection.whole.over_time.known_lines import PARTS, Silence, gap_score, gap_tail, regular_kinds, slower
from isang.detection.whole.over_time.lines import ALL
from isang.detection.whole.over_time.told_lines import silence_told
from isang.detection.whole.over_time.volume import moment
from isang.logs.line_counts import WINDOW_SECONDS
from isang.model.batches import Floats

RESOLUTION = float(WINDOW_SECONDS[0])
MOST_RECENT = 20
"""Number of gaps by which a kind is known to come more seldom than it did."""
MOST_OVER = 200
"""Maximum number of silences kept that are over and not told yet."""


@dataclass(frozen=True)
class _Kind:
    """A kind of line that is watched."""

    gaps: Floats
    tail: ScoreTail
    usual: float
    longest: float
    number: int
    """How often it usually comes in a stretch."""


class LiveSilences:
    """Watches the kinds of lines that came regularly in the training period, see `silences`.

    A kind is watched from its first line on: some logs may not be sent here. A p-value is that of a stretch of
    `stretch_seconds`, no shorter than a tenth of the training period.
    """

    def __init__(self, known: pl.DataFrame | None, stretch_seconds: float) -> None:
        self._kinds: dict[str, _Kind] = {}
        self._clock = _RunningClock()
        self._last: dict[str, _Seen] = {}
        self._recent: dict[str, list[float]] = {}  # the latest gaps of each kind
        self._over: list[Silence] = []
        if known is None or not known["first"][0]:
            return
        head = known["gaps"][0].to_numpy()
        self._clock = _RunningClock(*(float(value) for value in head[PARTS:]))
        self._stretch_seconds = stretch_seconds
        part = float(known["first"][0]) / PARTS
        self._parts, self._tail = max(1.0, stretch_seconds / part), fit_tail(head[:PARTS], SCALE)
        for name, gaps in regular_kinds(known):
            usual = float(np.median(gaps))
            number = max(1, round(part / max(usual, RESOLUTION)))
            self._kinds[name] = _Kind(
                np.array(gaps), gap_tail(np.array(gaps), RESOLUTION), usual, float(np.max(gaps)), number
            )

    @property
    def watched(self) -> int:
        """Number of kinds of lines."""
        return len(self._kinds)

    @property
    def latest(self) -> float | None:
        """The latest time with a line, in seconds since 1970."""
        return self._clock.latest

    @property
    def any_over(self) -> bool:
        """Whether silences that are over were not given out yet."""
        return bool(self._over)

    def came(self, start: float, sources: Mapping[str, str]) -> None:
        """Note the kinds of lines that came in the RESOLUTION seconds from `start`, each with its log.

        Calls are in the order of time.
        """
        ran = self._clock.reach(start)
        for name, source in sources.items():
            kind = self._kinds.get(name)
            if kind is None:
                continue
            before = self._last.get(name)
            if before is not None:
                over = self._silence(name, kind, before, ran, start)
                self._over += [over] if over else []
                del self._over[:-MOST_OVER]
                if ran > before.ran:
                    self._recent[name] = [*self._recent.get(name, ())[1 - MOST_RECENT :], ran - before.ran]
            if before is None or ran > before.ran:
                self._last[name] = _Seen(ran, start, source)

    def set_back(self, start: float) -> None:
        """The clock of the log goes on from an earlier time."""
        self._clock.latest = start

    def found(self, reached: Mapping[str, float]) -> list[Going]:
        """The silences that are over and were not given out yet, and those that go on.

        `reached`: the time up to which the lines of each log have come.
        """
        found = [Going(silence_told(one), over=True, unsure_seconds=one.longest) for one in self._over]
        self._over = []
        for name, before in self._last.items():
            now = reached.get(before.source)
            if now is None:
                continue
            silence = self._silence(name, self._kinds[name], before, self._clock.at(now), now)
            if silence is not None:
                found.append(Going(silence_told(silence), over=False, unsure_seconds=silence.longest))
        return found

    def of_everything(self, now: float) -> Silence | None:
        """The silence of the whole log at `now`, if it is told.

        99 in 100 steps between lines were no longer than a third of a pause (see known_lines), so that by an
        exponential tail one in 10^(6 x) is longer than x pauses.
        """
        clock = self._clock
        if clock.latest is None or now - clock.latest <= clock.pause:
            return None
        seconds, steps = now - clock.latest, self._stretch_seconds / max(clock.usual, RESOLUTION)
        p_value = min(1.0, steps * 10 ** (-6 * seconds / clock.pause))
        if p_value > TOLD:
            return None
        return Silence(ALL, moment(clock.latest), moment(now), seconds, clock.usual, clock.pause, p_value)

    def _silence(self, name: str, kind: _Kind, before: "_Seen", ran: float, now: float) -> Silence | None:
        seconds = ran - before.ran
        if seconds - kind.tail.allowance <= kind.longest:
            return None
        longer = slower(kind.gaps, np.array(self._recent.get(name, ())))
        score = gap_score(kind.tail, seconds / longer, kind.number)
        p_value = min(1.0, self._parts * float(self._tail.p_values(np.array([score]))[0]))
        if p_value > TOLD:
            return None
        return Silence(name, moment(before.at), moment(now), seconds, kind.usual, kind.longest, p_value)

    def to_dict(self) -> dict[str, Any]:
        """What `restore` needs; plain JSON values."""
        return {"latest": self._clock.latest, "ran": self._clock.ran, "last": self._last, "recent": self._recent}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from where `to_dict` was."""
        self._clock.latest, self._clock.ran = kept["latest"], kept["ran"]
        self._recent = {name: list(gaps) for name, gaps in kept["recent"].items() if name in self._kinds}
        self._last = {name: _Seen(*seen) for name, seen in kept["last"].items() if name in self._kinds}


class _Seen(NamedTuple):
    """When a kind of line came last."""

    ran: float
    """By the clock of the log."""
    at: float
    """In seconds since 1970."""
    source: str


@dataclass
class _RunningClock:
    """Runs while the log does: a pause counts as a usual step, see known_lines."""

    pause: float = np.inf
    usual: float = 0.0
    latest: float | None = None
    ran: float = 0.0

    def reach(self, start: float) -> float:
        """What it says at a time that has lines."""
        if self.latest is None:
            self.latest = start
        step = start - self.latest
        if step > 0:
            self.ran += self.usual if step > self.pause else step
            self.latest = start
        return self.at(start)

    def at(self, time: float) -> float:
        """What it said at a time shortly before the latest."""
        return self.ran - ((self.latest or time) - time)
