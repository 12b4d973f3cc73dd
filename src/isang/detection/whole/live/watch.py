"""What the lines of growing logs show as a whole: silences and changed rates, in bounded memory."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from isang.artifact import Model
from isang.detection.whole.live.delays import Delays
from isang.detection.whole.live.going import Going
from isang.detection.whole.live.names import KindOfLine
from isang.detection.whole.live.new_lines import LiveNewLines
from isang.detection.whole.live.rates import LiveRates
from isang.detection.whole.live.silences import LiveSilences
from isang.detection.whole.over_time.known_lines import PARTS as TENTHS
from isang.detection.whole.over_time.lines import ALL, ERRORS, OF_LOG, WARNINGS
from isang.detection.whole.over_time.told_lines import silence_told
from isang.languages import Both
from isang.logs.line_counts import WINDOW_SECONDS
from isang.logs.parsing.timeline import NO_TIME
from isang.model.wording import LOUDNESS

BUCKET_SECONDS = WINDOW_SECONDS[0]
BACK_SECONDS = 3_600.0
"""If all that comes is older than the latest by more than this, the clock of the log was set back."""
RECENT_SECONDS = 600.0
"""A log is written now if its lines are no older than this when they come; the end of an older one is no silence."""
NOT_ALWAYS = 0.01
"""A training period of which a larger share had no lines has pauses: then the silence of all logs says nothing."""


class LogWatch:
    """Judges all lines as they come, whether or not they belong to a session, once in BUCKET_SECONDS of the log.

    What is told comes by chance no more often than TOLD in a tenth of the training period, nor in the time in which the
    alert budget allows one alert. Logs may arrive one behind the other: what a log has not sent yet is no silence, for
    as long as it was behind before.
    """

    def __init__(self, model: Model) -> None:
        self._kinds = KindOfLine(model)
        self.new_lines = LiveNewLines(model, self._kinds)
        """The new kinds of lines outside of sessions."""
        period = 0.0 if model.lines is None else float(model.lines["first"][0])
        per_alert = 1000 / model.config.detection.alerts_per_thousand / max(1, int(model.facts["period_sessions"]))
        stretch_seconds = period * max(1 / TENTHS, per_alert)
        self._silences = LiveSilences(model.lines, stretch_seconds)
        self._rates = LiveRates(model.volume, stretch_seconds)
        self._always = _span(model) - period <= NOT_ALWAYS * period
        self._delays = Delays()
        self._recent, self._unjudged = False, False
        self._judged_until = -np.inf

    @property
    def window_seconds(self) -> float:
        """The length of the windows of rates; 0 where none are known."""
        return self._rates.seconds

    @property
    def says(self) -> Both:
        """What is watched."""
        silences, rates = self._silences.watched, self._rates.watched
        of_silences = Both(
            "no silences (no kind of line came often enough in training)",
            "끊김은 보지 않음(학습 기간에 충분히 자주 나온 줄이 없음)",
        )
        of_rates = Both("no rates (the training period is too short)", "빈도는 보지 않음(학습 기간이 너무 짧음)")
        if silences:
            of_silences = Both(f"silences of {silences:,} kinds of lines", f"줄 {silences:,}종의 끊김")
        if rates:
            seconds = f"{self._rates.seconds:g}"
            of_rates = Both(f"{rates:,} rates in windows of {seconds} s", f"{seconds}초 구간의 빈도 {rates:,}개")
        parts = [of_silences, of_rates]
        if self.new_lines.watches:
            parts.append(Both("new kinds of lines of no session", "세션에 속하지 않는 새로운 줄"))
        together = f"{', '.join(part.en for part in parts[:-1])} and {parts[-1].en}"
        return Both(
            f"beside sessions it watches {together}",
            f"세션 외에 보는 것: {', '.join(part.ko for part in parts)}",
        )

    def add(self, records: pl.DataFrame, now_us: int) -> None:
        """Take in records: `source`, `time` (microseconds or NO_TIME), `level`, masked `message`.

        `now_us`: the clock on the wall.
        """
        timed = records.filter(pl.col("time") != NO_TIME)
        if timed.is_empty():
            return
        start = (pl.col("time") // (1_000_000 * BUCKET_SECONDS) * BUCKET_SECONDS).alias("start")
        counts = timed.group_by(start, "source", "level", "message").len().sort("start")
        newest = float(counts["start"][-1])
        if self._silences.latest is not None and newest < self._silences.latest - BACK_SECONDS:
            self._silences.set_back(newest)
            self._rates.set_back()
            self.new_lines.set_back()
            self._judged_until = -np.inf
        self._delays.came(counts, self._silences.latest)
        self._recent = abs(now_us / 1e6 - newest) <= RECENT_SECONDS
        by_start: dict[int, Counter[str]] = defaultdict(Counter)
        kinds: dict[int, dict[str, str]] = defaultdict(dict)
        for at, source, level, message, lines in counts.iter_rows():
            name, loudness = self._kinds.of(message, level)
            kinds[at][name] = source
            for series in (name, f"{OF_LOG}{source}", *_levels(loudness)):
                by_start[at][series] += lines
        for at, of_series in by_start.items():
            self._silences.came(float(at), kinds[at])
            for series, lines in of_series.items():
                self._rates.came(float(at), series, lines)
        self._unjudged = True

    def found(self, now_us: int) -> list[Going] | None:
        """What is known at `now_us`, a time in the logs up to which all has come; None if nothing is to be judged."""
        until, latest = now_us / 1e6, self._silences.latest
        if latest is None or until < latest - BACK_SECONDS:  # nothing came yet
            return None
        bucket = until // BUCKET_SECONDS * BUCKET_SECONDS
        if bucket <= self._judged_until and not (self._unjudged and self._silences.any_over):
            return None
        self._judged_until, self._unjudged = bucket, False
        reached = self._delays.reached(bucket, latest)
        found = [*self._silences.found(reached), *self._rates.found(min(reached.values(), default=bucket))]
        silent = self._silences.of_everything(until) if self._recent and self._always else None
        return [*found, Going(silence_told(silent), over=False)] if silent else found

    def to_dict(self) -> dict[str, Any]:
        """What `restore` needs; plain JSON values."""
        return {"silences": self._silences.to_dict(), "rates": self._rates.to_dict(), "recent": self._recent,
                "delays": self._delays.to_dict(), "new_lines": self.new_lines.to_dict()}  # fmt: skip

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Go on from where `to_dict` of a watch was, of this or of an earlier model."""
        self._silences.restore(kept["silences"])
        self._rates.restore(kept["rates"])
        self._delays = Delays(kept["delays"])
        self._recent = bool(kept["recent"])
        self.new_lines.restore(kept.get("new_lines", []))


def _levels(loudness: int) -> tuple[str, ...]:
    if loudness == len(LOUDNESS) - 1:
        return ALL, WARNINGS, ERRORS
    return (ALL, WARNINGS) if loudness == LOUDNESS.index("warning") else (ALL,)


def _span(model: Model) -> float:
    """The seconds from the beginning to the end of the training period, with its pauses."""
    first, last = model.facts.get("trained_from"), model.facts.get("trained_until")
    if first is None or last is None:
        return np.inf
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()
